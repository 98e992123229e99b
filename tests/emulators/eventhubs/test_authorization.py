"""Tokens: which open what, and what a client without one is told."""

import asyncio
import base64
import datetime as dt
import ipaddress
import json
import time
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.eventhub import EventData, TransportType
from azure.eventhub.aio import EventHubProducerClient
from azure.eventhub.exceptions import AuthenticationError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from local.eventhubs import performatives as amqp
from local.eventhubs.codec import Symbol
from local.eventhubs.server import EventHubsServer
from tests.emulators.eventhubs.clients import HUB
from tests.emulators.eventhubs.conformance import RAW, conforms
from tests.emulators.eventhubs.raw import RawClient, error_of, look, sas
from tests.emulators.eventhubs.side_by_side import StartBroker, side_by_side

AUDIENCE = "sb://localhost/commands"


def jwt(claims: dict[str, Any]) -> str:
    """An unsigned token of these claims."""
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "x"}, claims)
    ]
    return f"{parts[0]}.{parts[1]}.c2ln"


class Identity:
    """Plays azure-identity: tokens of a short life."""

    def __init__(self, lifetime_s: float) -> None:
        self._lifetime_s = lifetime_s
        self.asked = 0

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        assert scopes == ("https://eventhubs.azure.net//.default",)
        self.asked += 1
        expires = int(time.time() + self._lifetime_s)
        return AccessToken(jwt({"aud": "https://eventhubs.azure.net/", "exp": expires}), expires)

    async def close(self) -> None: ...

    async def __aenter__(self) -> "Identity":
        return self

    async def __aexit__(self, *_: object) -> None: ...


@pytest.mark.parametrize(
    ("audience", "token", "status", "text"),
    [
        (AUDIENCE, sas(AUDIENCE), 202, ""),
        ("amqp://other:99/COMMANDS/Partitions/1", sas("https://elsewhere/commands"), 202, ""),
        (AUDIENCE, sas("sb://localhost"), 202, ""),
        (AUDIENCE, sas(AUDIENCE, lifetime_s=-5), 401, "ExpiredToken"),
        (AUDIENCE, sas(AUDIENCE, key="wrong"), 401, "InvalidSignature"),
        (AUDIENCE, sas(AUDIENCE, key_name="nobody"), 401, "InvalidSignature"),
        (AUDIENCE, sas("sb://localhost/commandsandmore"), 401, "InvalidAudience"),
        (AUDIENCE, sas("sb://localhost/commands/Partitions/0"), 401, "InvalidAudience"),
        (AUDIENCE, "SharedAccessSignature sr=x", 401, "MalformedToken"),
        (AUDIENCE, "SharedAccessSignature sr=x&sig=%ff&se=99999999999&skn=RootManageSharedAccessKey", 401, "Invalid"),
        (AUDIENCE, "", 401, "MalformedToken"),
    ],
)
@conforms(3, "SAS verified: expiry, key, audience by path alone", RAW)
async def test_sas_tokens_are_verified(
    broker: EventHubsServer, audience: str, token: str, status: int, text: str
) -> None:
    async with RawClient(broker.port) as client:
        await client.open()
        reply = await client.put_token(audience, token)

    assert reply["status-code"] == reply["statusCode"] == status
    assert text in reply["status-description"]
    assert "error-condition" not in reply  # with it, Python would lose status and description


async def test_without_a_token_nothing_can_be_attached(broker: EventHubsServer) -> None:
    async with RawClient(broker.port) as client:
        await client.open()
        await client.attach("commands", receive=False)
        sender = await client.expect(amqp.DETACH)
        await client.receiver()
        receiver = await client.expect(amqp.DETACH)
        answer = await client.request(
            "$management", {"operation": "READ", "name": HUB, "type": "com.microsoft:eventhub"}
        )

    assert error_of(sender.fields[2])[0] == error_of(receiver.fields[2])[0] == "amqp:unauthorized-access"
    assert (answer["status-code"], answer["errorCondition"]) == (401, "amqp:unauthorized-access")


async def test_a_token_for_one_hub_opens_no_other(start_broker: StartBroker, broker: EventHubsServer) -> None:
    async with RawClient(broker.port) as client:
        await client.open()
        await client.put_token("sb://localhost/commands/Partitions/1")
        await client.attach("commands/Partitions/0", receive=False)
        refused = await client.expect(amqp.DETACH)
        _, granted = await client.attach("commands/Partitions/1", receive=False)

    assert error_of(refused.fields[2])[0] == "amqp:unauthorized-access"
    assert granted.fields[6] is not None


async def test_management_takes_the_token_of_the_request(broker: EventHubsServer) -> None:
    """Java puts none on `$cbs` first."""
    read = {"operation": "READ", "name": HUB, "type": "com.microsoft:eventhub"}
    async with RawClient(broker.port) as client:
        await client.open()
        good = await client.request("$management", read | {"security_token": sas(AUDIENCE)})
        bad = await client.request("$management", read | {"security_token": sas(AUDIENCE, key="wrong")})

    assert good["status-code"] == 200
    assert {str(key) for key in good["body"]} == {
        *("name", "type", "created_at", "partition_count", "partition_ids", "georeplication_factor"),
    }
    assert bad["status-code"] == 401
    assert "InvalidSignature" in bad["statusDescription"]


async def test_a_link_is_detached_when_its_token_has_expired(broker: EventHubsServer) -> None:
    async with RawClient(broker.port) as client:
        await client.open()
        await client.put_token(AUDIENCE, sas(AUDIENCE, lifetime_s=1.5))
        await client.sender()
        detach = await client.expect(amqp.DETACH)

    condition, text = error_of(detach.fields[2])
    assert condition == "amqp:unauthorized-access"
    assert "ExpiredToken" in text


@pytest.mark.parametrize(
    ("mechanism", "response", "outcome"),
    [
        ("PLAIN", b"\x00RootManageSharedAccessKey\x00SAS_KEY_VALUE", 0),
        ("PLAIN", b"\x00RootManageSharedAccessKey\x00wrong", 1),
        ("PLAIN", b"nonsense", 1),
        ("MSSBCBS", b"", 0),
        ("EXTERNAL", b"", 0),
        ("SCRAM-SHA-1", b"", 1),
    ],
)
async def test_sasl_mechanisms(broker: EventHubsServer, mechanism: str, response: bytes, outcome: int) -> None:
    async with RawClient(broker.port) as client:
        assert await client.sasl(mechanism, response) == outcome
        if mechanism == "PLAIN" and outcome == 0:  # name and key open everything at once
            client.write(amqp.AMQP_HEADER)
            await client.exactly(8)
            client.send(amqp.OPEN, "raw", None, None, None, None, None, None, None, None, {Symbol("product"): "raw"})
            await client.begin()
            await client.sender()


async def test_a_jwt_is_refused_unless_the_namespace_accepts_it(
    start_broker: StartBroker, tmp_path: Path, broker: EventHubsServer
) -> None:
    claims = {"aud": "https://eventhubs.azure.net", "exp": time.time() + 60}
    accepting = await start_broker(accept_jwt=True, data=tmp_path / "other")
    answers = {}
    for name, port, token in (
        ("not accepted", broker.port, jwt(claims)),
        ("good", accepting.port, jwt(claims)),
        ("expired", accepting.port, jwt(claims | {"exp": 1})),
        ("other audience", accepting.port, jwt(claims | {"aud": "https://storage.azure.com"})),
        ("no claims", accepting.port, "a.b.c"),
    ):
        async with RawClient(port) as client:
            await client.open()
            answers[name] = (await client.put_token(AUDIENCE, token, "jwt"))["status-code"]

    assert answers == {"not accepted": 401, "good": 202, "expired": 401, "other audience": 401, "no claims": 401}


@side_by_side
@conforms(4, "a JWT credential is accepted")
@conforms(5, "a token is refreshed on the same link without a gap")
async def test_a_jwt_credential_is_refreshed_on_its_link(start_broker: StartBroker) -> None:
    broker = await start_broker(accept_jwt=True)
    identity = Identity(lifetime_s=10)  # the client refreshes it when a tenth is left
    client = EventHubProducerClient(
        f"localhost:{broker.port}", HUB, credential=identity, use_tls=False, retry_total=0, keep_alive=1
    )
    async with client:
        sent, until, connections = 0, time.monotonic() + 11, set[int]()
        while time.monotonic() < until:
            await client.send_event(EventData(f"{sent}"), partition_id="0")
            sent += 1
            await asyncio.sleep(0.05)
            connections |= {connection.number for connection in broker.broker.connections}

    assert identity.asked >= 3
    assert len(await look(broker.port)) == sent
    assert len(connections) == 1


@side_by_side
@conforms(3, "a wrong key is an AuthenticationError")
async def test_a_wrong_key_is_an_authentication_error(broker: EventHubsServer) -> None:
    wrong = broker.connection_string.replace("SAS_KEY_VALUE", "wrong")
    async with EventHubProducerClient.from_connection_string(wrong, eventhub_name=HUB, retry_total=0) as client:
        with pytest.raises(AuthenticationError, match="InvalidSignature"):
            await client.get_eventhub_properties()


@side_by_side
@conforms(2, "TLS with an own CA through custom_endpoint_address")
async def test_tls_with_an_own_certificate(start_broker: StartBroker, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    broker = await start_broker(tls_cert=certificate, tls_key=key)
    client = EventHubProducerClient.from_connection_string(
        "Endpoint=sb://ns.servicebus.windows.net;SharedAccessKeyName=RootManageSharedAccessKey;"
        "SharedAccessKey=SAS_KEY_VALUE",
        eventhub_name=HUB,
        custom_endpoint_address=f"sb://localhost:{broker.port}",
        transport_type=TransportType.Amqp,
        connection_verify=str(certificate),
    )
    async with client:
        await client.send_event(EventData(b"x" * 200_000), partition_id="0")

    assert broker.broker.namespace.hub(HUB).partitions[0].log.last_sequence == 0
    async with RawClient(broker.port) as plain:
        plain.write(amqp.SASL_HEADER)
        assert amqp.SASL_HEADER not in await plain.until_closed()


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    alternatives = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = folder / "cert.pem", folder / "key.pem"
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_path, key_path
