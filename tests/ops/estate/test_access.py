"""Who may do what where: every principal is followed to what it is."""

import json
from pathlib import Path

from ops.estate.access import grants, scope_in_words, service_accounts, without_grants
from ops.estate.naming import Names
from tests.ops.estate.small import (
    PRINCIPAL,
    READER,
    SUBSCRIPTION,
    Body,
    a_hub,
    a_resource,
    an_account,
    an_assignment,
    an_estate,
    an_identity,
    principal_of,
    write,
)


def test_an_expression_is_followed_to_the_identity(tmp_path: Path) -> None:
    account, identity = an_account(), an_identity("api")
    estate = an_estate(
        tmp_path,
        global_=[account],
        stamp_westeurope=[identity, an_assignment(str(account["id"]), principal_of(identity))],
    )

    (grant,) = grants(estate, Names(estate))

    assert (grant.who, grant.kind, grant.role) == ("api", "identity", "Storage Blob Data Reader")
    assert (grant.where, grant.lifetime, grant.regions) == ("stshoptest", "global", ("westeurope",))


def test_the_same_in_each_region_is_said_once(tmp_path: Path) -> None:
    def stamp(region: str, code: str) -> list[Body]:
        account, identity = an_account(f"stshoptest{code}ab1cd", group=f"rg-{region}"), an_identity("api", region)
        return [a_hub(region, code), account, identity, an_assignment(str(account["id"]), principal_of(identity))]

    estate = an_estate(
        tmp_path, stamp_westeurope=stamp("westeurope", "weu"), stamp_northeurope=stamp("northeurope", "neu")
    )

    (grant,) = grants(estate, Names(estate))

    assert grant.where == "stshoptest{code}ab1cd"
    assert grant.regions == ("northeurope", "westeurope")


def test_what_only_one_region_has_is_not_said_of_all(tmp_path: Path) -> None:
    account = an_account()
    one, other = an_identity("api"), an_identity("api", "northeurope")
    estate = an_estate(
        tmp_path,
        global_=[account],
        stamp_westeurope=[one, an_assignment(str(account["id"]), principal_of(one))],
        stamp_northeurope=[other],
    )

    assert [grant.regions for grant in grants(estate, Names(estate))] == [("westeurope",)]


def test_the_identity_of_a_resource_itself_is_followed(tmp_path: Path) -> None:
    account, door = an_account(), a_resource("Microsoft.Cdn/profiles", "afd-shop")
    expression = f"[reference('{door['id']}', '2025-12-01', 'full').identity.principalId]"
    estate = an_estate(tmp_path, global_=[account, door, an_assignment(str(account["id"]), expression)])

    (grant,) = grants(estate, Names(estate))

    assert (grant.who, grant.kind) == ("afd-shop", "system")


def test_what_cannot_be_followed_is_shown_as_it_is(tmp_path: Path) -> None:
    account = an_account()
    gone = "[reference('/subscriptions/x/gone', '2024-11-30').principalId]"
    unknown_role = "12345678-0000-0000-0000-000000000000"
    estate = an_estate(tmp_path, global_=[account, an_assignment(str(account["id"]), gone, unknown_role)])

    (grant,) = grants(estate, Names(estate))

    assert (grant.who, grant.kind, grant.role) == (gone, "unknown", f"role {unknown_role}")


def test_people_are_called_what_the_parameters_call_them(tmp_path: Path) -> None:
    account = an_account()
    folder = write(tmp_path / "snapshots", global_=[account, an_assignment(str(account["id"]), PRINCIPAL)])
    parameters = tmp_path / "environments" / "test"
    parameters.mkdir(parents=True)
    (parameters / "estate.json").write_text(json.dumps({"people": {"operators": PRINCIPAL, "mails": ["a@b"]}}))
    estate = an_estate(folder)

    assert [(one.who, one.kind) for one in grants(estate, Names(estate))] == [("operators", "group")]


def test_people_without_a_name_keep_their_id(tmp_path: Path) -> None:
    account = an_account()
    estate = an_estate(tmp_path, global_=[account, an_assignment(str(account["id"]), PRINCIPAL)])

    assert [one.who for one in grants(estate, Names(estate))] == [f"object {PRINCIPAL}"]


def test_a_role_of_the_database_has_its_own_names_and_scope(tmp_path: Path) -> None:
    identity = an_identity("api")
    account = f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.DocumentDB/databaseAccounts/cosmos"
    assigned = a_resource(
        "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments",
        "cosmos/one",
        properties={
            "principalId": principal_of(identity),
            "roleDefinitionId": f"{account}/sqlRoleDefinitions/00000000-0000-0000-0000-000000000002",
            "scope": f"{account}/dbs/shop/colls/items",
        },
    )
    estate = an_estate(tmp_path, stamp_westeurope=[identity, assigned])

    (grant,) = grants(estate, Names(estate))

    assert (grant.role, grant.where) == ("Cosmos DB Built-in Data Contributor", "container items of cosmos")
    assert grant.lifetime == ""  # the account is in no snapshot


def test_wide_scopes_are_said_to_be_wide() -> None:
    assert scope_in_words("/subscriptions/abc") == "the whole subscription abc"
    assert scope_in_words("/subscriptions/abc/resourceGroups/rg") == "the whole resource group rg"


def test_scopes_inside_a_resource_are_named() -> None:
    account = f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/st"
    assert scope_in_words(f"{account}/blobServices/default/containers/health") == "blob container health of st"


def test_identities_without_roles_and_service_accounts_are_found(tmp_path: Path) -> None:
    identity = an_identity("idle")
    federated = a_resource(
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
        f"{identity['name']}/idle",
        "rg-shop-test-stamp-westeurope",
        properties={"subject": "system:serviceaccount:shop:idle"},
    )
    estate = an_estate(tmp_path, stamp_westeurope=[identity, federated])
    names = Names(estate)

    assert without_grants(estate, names, grants(estate, names)) == ["idle"]
    assert service_accounts(estate, names) == {"idle": "shop/idle"}


def test_the_table_knows_every_role_that_the_templates_assign() -> None:
    from ops.estate.access import _DATABASE_ROLES, _ROLES
    from ops.estate.snapshots import REPOSITORY

    text = (REPOSITORY / "infra" / "modules" / "roles.bicep").read_text(encoding="utf-8")
    written = {part for part in text.split("'") if len(part) == len(READER) and part.count("-") == 4}

    assert READER in written
    assert written <= _ROLES.keys() | _DATABASE_ROLES.keys()
