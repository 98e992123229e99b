"""Faults at the way in: routes, probes, origins, firewall, and the way past Front Door."""

from .exactly import (
    APPLICATION_GATEWAY,
    BINDING,
    CERTIFICATE,
    DOMAIN,
    EDGE_RULE,
    ENTRY,
    FIREWALL,
    GATEWAY_FIREWALL,
    ORIGIN,
    ORIGIN_GROUP,
    PROFILE,
    PUBLIC_ADDRESS,
    ROUTE,
    TRAFFIC,
)
from .planting import GONE, Fault, added, lost, of_name, pick, place, prop, resource
from .snapshots import Estate

CACHED = {"queryStringCachingBehavior": "UseQueryString"}
SETS = "managedRules.managedRuleSets"


def _entry(path: str, value: object) -> Fault:
    return Fault(
        "people_switch_between_the_ways",
        f"{path} of the entry is {value}",
        lambda g: place(
            next(one for one in g.of(TRAFFIC) if "stand-by" not in one["name"]), f"properties.{path}", value
        ),
    )


def _unlisted(given: Estate) -> None:
    """An endpoint of its own that no security policy names."""
    added(ENTRY, id="/subscriptions/1/resourceGroups/g/providers/p/profiles/a/afdEndpoints/side", name="a/side")(given)


FIREWALLS = [
    Fault("front_door_is_premium_and_on", "Standard", resource(PROFILE, "sku.name", "Standard_AzureFrontDoor")),
    Fault("front_door_is_premium_and_on", "a long patience", prop(PROFILE, "originResponseTimeoutSeconds", 240)),
    Fault("front_door_is_premium_and_on", "the endpoint is off", prop(ENTRY, "enabledState", "Disabled")),
    Fault("the_firewall_blocks", "detection", prop(FIREWALL, "policySettings.mode", "Detection")),
    Fault("the_firewall_blocks", "off", prop(FIREWALL, "policySettings.enabledState", "Disabled")),
    Fault("the_firewall_blocks", "bodies pass", prop(FIREWALL, "policySettings.requestBodyCheck", "Disabled")),
    Fault("the_firewall_blocks", "no rule set for bots", prop(FIREWALL, f"{SETS}.1", GONE)),
    Fault("the_firewall_blocks", "an old rule set", prop(FIREWALL, f"{SETS}.0.ruleSetVersion", "1.1")),
    Fault("the_firewall_blocks", "it only counts", prop(FIREWALL, f"{SETS}.0.ruleSetAction", "Log")),
    Fault(
        "the_firewall_blocks",
        "all rules against SQL injection are off",
        prop(FIREWALL, f"{SETS}.0.ruleGroupOverrides.0", {"ruleGroupName": "SQLI"}),
    ),
    Fault(
        "the_firewall_blocks",
        "every member of a body passes",
        prop(FIREWALL, f"{SETS}.0.exclusions.0.selectorMatchOperator", "EqualsAny"),
    ),
    Fault("the_firewall_limits_rates", "no limit of writes", prop(FIREWALL, "customRules.rules.0", GONE)),
    Fault("the_firewall_limits_rates", "it only counts", prop(FIREWALL, "customRules.rules.1.action", "Log")),
    Fault("the_firewall_limits_rates", "too many", prop(FIREWALL, "customRules.rules.0.rateLimitThreshold", 100_000)),
    Fault(
        "every_way_in_is_behind_the_firewall",
        "bound to other paths",
        prop(BINDING, "parameters.associations.0.patternsToMatch", ["/nothing/*"]),
    ),
    Fault(
        "every_way_in_is_behind_the_firewall",
        "the own domain is not bound",
        prop(BINDING, "parameters.associations.0.domains.1", GONE),
    ),
    Fault("every_way_in_is_behind_the_firewall", "not bound at all", lost(BINDING)),
    Fault("every_way_in_is_behind_the_firewall", "a second endpoint", _unlisted),
]
ROUTES = [
    Fault("the_environment_has_its_own_domain_where_it_has_a_certificate", "no domain", lost(DOMAIN)),
    Fault(
        "the_environment_has_its_own_domain_where_it_has_a_certificate",
        "a route does not answer for it",
        of_name(ROUTE, "/api", "customDomains", []),
    ),
    Fault("routes_are_those_described", "a route is gone", lost(ROUTE, "/images")),
    Fault("routes_are_those_described", "one more", added(ROUTE, "/api", name="a/b/admin")),
    Fault("routes_are_those_described", "other paths", of_name(ROUTE, "/api", "patternsToMatch", ["/*"])),
    Fault("routes_are_those_described", "no headers", of_name(ROUTE, "/site", "ruleSets", [])),
    Fault(
        "routes_are_those_described",
        "the API's route leads to the site",
        lambda g: place(
            pick(g, ROUTE, "/api"), "properties.originGroup", pick(g, ROUTE, "/site")["properties"]["originGroup"]
        ),
    ),
    Fault("routes_are_those_described", "no origin path", of_name(ROUTE, "health-westeurope", "originPath", GONE)),
    Fault(
        "clients_and_origins_speak_https",
        "http to origins",
        of_name(ROUTE, "/site", "forwardingProtocol", "MatchRequest"),
    ),
    Fault("clients_and_origins_speak_https", "no redirect", of_name(ROUTE, "/api", "httpsRedirect", "Disabled")),
    Fault("clients_and_origins_speak_https", "a route is off", of_name(ROUTE, "/api", "enabledState", "Disabled")),
    Fault(
        "clients_and_origins_speak_https", "any certificate does", prop(ORIGIN, "enforceCertificateNameCheck", False)
    ),
    Fault(
        "the_edge_caches_what_is_static_and_nothing_else",
        "the API",
        of_name(ROUTE, "/api", "cacheConfiguration", CACHED),
    ),
    Fault(
        "the_edge_caches_what_is_static_and_nothing_else",
        "a stamp's health",
        of_name(ROUTE, "health-northeurope", "cacheConfiguration", CACHED),
    ),
    Fault(
        "the_edge_caches_what_is_static_and_nothing_else",
        "no page",
        of_name(ROUTE, "/site", "cacheConfiguration", None),
    ),
    Fault(
        "origin_groups_are_those_described",
        "probe path",
        of_name(ORIGIN_GROUP, "/api", "healthProbeSettings.probePath", "/"),
    ),
    Fault(
        "origin_groups_are_those_described",
        "probe interval",
        of_name(ORIGIN_GROUP, "/api", "healthProbeSettings.probeIntervalInSeconds", 240),
    ),
    Fault(
        "origin_groups_are_those_described",
        "probe method",
        of_name(ORIGIN_GROUP, "/api", "healthProbeSettings.probeRequestType", "GET"),
    ),
    Fault(
        "origin_groups_are_those_described",
        "one good probe is enough",
        of_name(ORIGIN_GROUP, "/api", "loadBalancingSettings.successfulSamplesRequired", 1),
    ),
    Fault(
        "origin_groups_are_those_described",
        "affinity",
        of_name(ORIGIN_GROUP, "/site", "sessionAffinityState", "Enabled"),
    ),
    Fault("origins_are_the_stamps", "an origin is off", of_name(ORIGIN, "api/northeurope", "enabledState", "Disabled")),
    Fault("origins_are_the_stamps", "a stamp gets nothing", lost(ORIGIN, "api/swedencentral")),
    Fault("origins_are_the_stamps", "a stamp is last", of_name(ORIGIN, "api/northeurope", "priority", 5)),
    Fault(
        "origins_are_the_stamps",
        "public way to the gateway",
        of_name(ORIGIN, "api/westeurope", "sharedPrivateLinkResource", GONE),
    ),
    Fault(
        "origins_are_the_stamps",
        "one stamp's name, another's link",
        lambda g: place(
            pick(g, ORIGIN, "api/westeurope"),
            "properties.sharedPrivateLinkResource.privateLink",
            pick(g, ORIGIN, "api/northeurope")["properties"]["sharedPrivateLinkResource"]["privateLink"],
        ),
    ),
    Fault("origins_are_the_stamps", "another host header", of_name(ORIGIN, "api/westeurope", "originHostHeader", "x")),
    Fault(
        "answers_carry_the_headers_described",
        "a weaker policy",
        of_name(EDGE_RULE, "site/headers", "actions.0.parameters.value", "*"),
    ),
    Fault("answers_carry_the_headers_described", "no rewriting", lost(EDGE_RULE, "site/rewrite")),
    Fault(
        "answers_carry_the_headers_described",
        "every file is the page",
        of_name(EDGE_RULE, "site/rewrite", "conditions.0.parameters.negateCondition", False),
    ),
]
STAND_BY = [
    Fault(
        "each_stamp_has_a_stand_by_way_in_where_wanted", "a stamp has none", lost(APPLICATION_GATEWAY, "northeurope")
    ),
    Fault(
        "each_stamp_has_a_stand_by_way_in_where_wanted",
        "old TLS",
        prop(APPLICATION_GATEWAY, "sslPolicy.policyName", "AppGwSslPolicy20150501"),
    ),
    Fault(
        "each_stamp_has_a_stand_by_way_in_where_wanted",
        "detection",
        prop(GATEWAY_FIREWALL, "policySettings.mode", "Detection"),
    ),
    Fault(
        "each_stamp_has_a_stand_by_way_in_where_wanted",
        "no firewall",
        prop(APPLICATION_GATEWAY, "firewallPolicy", GONE),
    ),
    Fault(
        "each_stamp_has_a_stand_by_way_in_where_wanted",
        "http",
        prop(APPLICATION_GATEWAY, "httpListeners.0.properties.protocol", "Http"),
    ),
    Fault(
        "the_stand_by_firewall_is_front_doors",
        "a rule set less",
        prop(GATEWAY_FIREWALL, "managedRules.managedRuleSets.1", GONE),
    ),
    Fault(
        "the_stand_by_firewall_is_front_doors",
        "more passes",
        prop(GATEWAY_FIREWALL, "managedRules.exclusions.0.selector", "id"),
    ),
    Fault(
        "the_stand_by_way_leads_where_front_door_leads",
        "an address that nobody has",
        prop(APPLICATION_GATEWAY, "backendAddressPools.0.properties.backendAddresses", [{"ipAddress": "10.10.17.9"}]),
    ),
    Fault(
        "the_stand_by_way_leads_where_front_door_leads",
        "http inside",
        prop(APPLICATION_GATEWAY, "backendHttpSettingsCollection.0.properties.protocol", "Http"),
    ),
    Fault(
        "the_stand_by_way_leads_where_front_door_leads",
        "no images",
        prop(APPLICATION_GATEWAY, "urlPathMaps.0.properties.pathRules.2", GONE),
    ),
    Fault(
        "the_stand_by_way_leads_where_front_door_leads",
        "another probe",
        prop(APPLICATION_GATEWAY, "probes.0.properties.path", "/health/live"),
    ),
    Fault(
        "the_stand_by_way_adds_what_front_door_adds",
        "the API refuses it",
        prop(APPLICATION_GATEWAY, "rewriteRuleSets.0.properties.rewriteRules", []),
    ),
    Fault(
        "the_stand_by_way_adds_what_front_door_adds",
        "no headers",
        prop(APPLICATION_GATEWAY, "rewriteRuleSets.2.properties.rewriteRules", []),
    ),
    _entry("endpoints.1.properties.endpointStatus", "Enabled"),
    _entry("endpoints.0.properties.alwaysServe", "Disabled"),
    _entry("dnsConfig.ttl", 3600),
    Fault(
        "people_switch_between_the_ways",
        "a name that no address has",
        prop(PUBLIC_ADDRESS, "dnsSettings.domainNameLabel", "other"),
    ),
    Fault("people_switch_between_the_ways", "another probe", prop(TRAFFIC, "monitorConfig.path", "/")),
]
DETAILS = [
    Fault("front_door_is_premium_and_on", "searches are logged", prop(PROFILE, "logScrubbing.state", "Disabled")),
    Fault(
        "the_firewall_blocks",
        "a rule is on again",
        prop(FIREWALL, f"{SETS}.0.ruleGroupOverrides.0.rules.0.enabledState", "Enabled"),
    ),
    Fault(
        "the_firewall_limits_rates",
        "deletes are not counted",
        prop(FIREWALL, "customRules.rules.0.matchConditions.0.matchValue", ["POST", "PUT"]),
    ),
    Fault(
        "the_environment_has_its_own_domain_where_it_has_a_certificate",
        "an old certificate",
        prop(CERTIFICATE, "parameters.useLatestVersion", False),
    ),
    Fault(
        "answers_carry_the_headers_described",
        "the query's path goes along",
        of_name(EDGE_RULE, "site/rewrite", "actions.0.parameters.preserveUnmatchedPath", True),
    ),
    Fault("origins_are_the_stamps", "a site with another share", of_name(ORIGIN, "site/northeurope", "weight", 999)),
    Fault(
        "each_stamp_has_a_stand_by_way_in_where_wanted",
        "a listener that is not there",
        prop(APPLICATION_GATEWAY, "requestRoutingRules.0.properties.httpListener.id", "/httpListeners/http"),
    ),
    Fault(
        "each_stamp_has_a_stand_by_way_in_where_wanted",
        "a certificate of somebody else",
        prop(APPLICATION_GATEWAY, "sslCertificates.0.properties.keyVaultSecretId", "https://other/secrets/x"),
    ),
    Fault(
        "each_stamp_has_a_stand_by_way_in_where_wanted",
        "another subnet",
        prop(APPLICATION_GATEWAY, "gatewayIPConfigurations.0.properties.subnet.id", "/subnets/nodes"),
    ),
    Fault(
        "the_stand_by_firewall_is_front_doors",
        "names of arguments too",
        prop(GATEWAY_FIREWALL, "managedRules.exclusions.0.matchVariable", "RequestArgNames"),
    ),
    Fault(
        "the_stand_by_way_leads_where_front_door_leads",
        "the site's settings for images",
        lambda g: place(
            g.of(APPLICATION_GATEWAY)[0],
            "properties.urlPathMaps.0.properties.pathRules.2.properties.backendHttpSettings",
            g.of(APPLICATION_GATEWAY)[0]["properties"]["urlPathMaps"][0]["properties"]["defaultBackendHttpSettings"],
        ),
    ),
    Fault(
        "the_stand_by_way_adds_what_front_door_adds",
        "another's id",
        prop(
            APPLICATION_GATEWAY,
            "rewriteRuleSets.0.properties.rewriteRules.0.actionSet.requestHeaderConfigurations.0.headerValue",
            "00000000-0000-0000-0000-000000000000",
        ),
    ),
    Fault(
        "people_switch_between_the_ways",
        "the way is not the first",
        lambda g: place(
            next(one for one in g.of(TRAFFIC) if "stand-by" not in one["name"]),
            "properties.trafficRoutingMethod",
            "Weighted",
        ),
    ),
]
SERVED = [
    Fault(
        "people_switch_between_the_ways",
        "another Front Door",
        lambda g: place(
            next(one for one in g.of(TRAFFIC) if "stand-by" not in one["name"]),
            "properties.endpoints.0.properties.target",
            "other.azurefd.net",
        ),
    ),
    Fault(
        "origin_groups_are_those_described",
        "a single origin that must be proven",
        of_name(ORIGIN_GROUP, "health-westeurope", "loadBalancingSettings.successfulSamplesRequired", 4),
    ),
    Fault("every_path_of_the_app_leads_to_it", "health is lost", lost(ROUTE, "/health")),
    Fault(
        "every_path_of_the_app_leads_to_it",
        "images go to the page",
        of_name(ROUTE, "/images", "patternsToMatch", ["/img/*"]),
    ),
    Fault(
        "probes_ask_what_is_served",
        "a path of nobody",
        of_name(ORIGIN_GROUP, "/api", "healthProbeSettings.probePath", "/health"),
    ),
    Fault(
        "probes_ask_what_is_served",
        "a method of nobody",
        of_name(ORIGIN_GROUP, "/api", "healthProbeSettings.probeRequestType", "POST"),
    ),
    Fault(
        "probes_ask_what_is_served",
        "a page of nobody",
        of_name(ORIGIN_GROUP, "/images", "healthProbeSettings.probePath", "/probe.txt"),
    ),
    Fault(
        "the_app_answers_before_front_door_gives_up", "no patience", prop(PROFILE, "originResponseTimeoutSeconds", 16)
    ),
    Fault(
        "the_firewall_knows_the_apps_writes",
        "more is left out",
        prop(FIREWALL, f"{SETS}.0.exclusions.0.selector", "price"),
    ),
    Fault(
        "the_firewall_knows_the_apps_writes",
        "another method",
        prop(FIREWALL, "customRules.rules.0.matchConditions.0.matchValue", ["POST", "PUT", "PATCH", "DELETE"]),
    ),
]
FAULTS = [*SERVED, *DETAILS, *FIREWALLS, *ROUTES, *STAND_BY]
