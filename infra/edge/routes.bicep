metadata name = 'Routes'
metadata description = 'Origin groups, origins, rules and routes of Front Door, made of front-door.json for every stamp.'

import { estateType, globalNames, regionOf, stampNames } from '../naming.bicep'

@description('Required. What all templates of the environment agree on.')
param estate estateType

@description('Required. Stamps in rotation.')
param stamps stampType[]

@description('Required. Name of the certificate of the environment\'s own domain; empty for none.')
param certificate string

var described = loadJsonContent('../front-door.json')
var subscriptionId = subscription().subscriptionId
var names = globalNames(estate, subscriptionId)
var ownDomain = !empty(certificate)

// Where each stamp is reached. The site's host name has a number that only the account knows.
var places = map(stamps, stamp => { ...stampNames(estate, subscriptionId, stamp.region), ...stamp })

// One origin for each group and stamp; `index` finds the stamp's own storage account again.
var gatewayOrigins = flatten(map(
  filter(described.originGroups, group => group.origins == 'gateway'),
  group => map(places, place => { group: group.name, place: place })
))
var siteOrigins = flatten(map(
  filter(described.originGroups, group => group.origins == 'website'),
  group => map(range(0, length(places)), index => { group: group.name, place: places[index], index: index })
))
var imageGroups = filter(described.originGroups, group => group.origins == 'images')

// A route to one stamp needs a group with that stamp alone.
var singleRoutes = flatten(map(
  described.stampRoutes,
  route => map(places, place => { route: route, place: place, name: '${route.name}-${place.region}' })
))

resource profile 'Microsoft.Cdn/profiles@2025-12-01' existing = {
  name: names.profile

  resource endpoint 'afdEndpoints' existing = {
    name: names.endpoint
  }
}

resource firewall 'Microsoft.Network/frontDoorWebApplicationFirewallPolicies@2025-11-01' existing = {
  name: names.firewall
}

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: names.vault

  resource stored 'secrets' existing = {
    name: ownDomain ? certificate : 'unused'
  }
}

resource images 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: names.images
}

resource sites 'Microsoft.Storage/storageAccounts@2026-04-01' existing = [
  for place in places: {
    scope: resourceGroup(place.group)
    name: place.storage
  }
]

resource key 'Microsoft.Cdn/profiles/secrets@2025-12-01' = if (ownDomain) {
  parent: profile
  name: 'own-domain'
  properties: {
    parameters: { type: 'CustomerCertificate', secretSource: { id: vault::stored.id }, useLatestVersion: true }
  }
}

resource domain 'Microsoft.Cdn/profiles/customDomains@2025-12-01' = if (ownDomain) {
  parent: profile
  name: 'own-domain'
  properties: {
    hostName: estate.domain
    tlsSettings: { certificateType: 'CustomerCertificate', minimumTlsVersion: 'TLS12', secret: { id: key.id } }
  }
}

resource security 'Microsoft.Cdn/profiles/securityPolicies@2025-12-01' = {
  parent: profile
  name: 'firewall'
  properties: {
    parameters: {
      type: 'WebApplicationFirewall'
      wafPolicy: { id: firewall.id }
      associations: [
        {
          domains: [{ id: profile::endpoint.id }, ...(ownDomain ? [{ id: domain.id }] : [])]
          patternsToMatch: ['/*']
        }
      ]
    }
  }
}

resource groups 'Microsoft.Cdn/profiles/originGroups@2025-12-01' = [
  for group in described.originGroups: {
    parent: profile
    name: group.name
    properties: {
      loadBalancingSettings: group.loadBalancingSettings
      healthProbeSettings: group.healthProbeSettings
      sessionAffinityState: 'Disabled'
    }
  }
]

resource singleGroups 'Microsoft.Cdn/profiles/originGroups@2025-12-01' = [
  for one in singleRoutes: {
    parent: profile
    name: 'stamp-${one.name}'
    properties: {
      // Of a single origin nobody chooses; without probes it answers even when the stamp is out of rotation.
      loadBalancingSettings: { sampleSize: 4, successfulSamplesRequired: 3, additionalLatencyInMilliseconds: 0 }
      sessionAffinityState: 'Disabled'
    }
  }
]

resource toGateways 'Microsoft.Cdn/profiles/originGroups/origins@2025-12-01' = [
  for one in gatewayOrigins: {
    name: '${names.profile}/${one.group}/${one.place.region}'
    properties: {
      ...gatewayOrigin(one.place.gatewayHost, one.place.region)
      weight: one.place.weight
      sharedPrivateLinkResource: {
        privateLink: {
          id: resourceId(one.place.nodeGroup, 'Microsoft.Network/privateLinkServices', one.place.privateLink)
        }
        privateLinkLocation: one.place.region
        requestMessage: 'Front Door of ${estate.workload} ${estate.environment}'
      }
    }
    dependsOn: [groups]
  }
]

resource toSingleGateways 'Microsoft.Cdn/profiles/originGroups/origins@2025-12-01' = [
  for (one, index) in singleRoutes: {
    parent: singleGroups[index]
    name: one.place.region
    properties: {
      ...gatewayOrigin(one.place.gatewayHost, one.place.region)
      weight: 1000
      sharedPrivateLinkResource: {
        privateLink: {
          id: resourceId(one.place.nodeGroup, 'Microsoft.Network/privateLinkServices', one.place.privateLink)
        }
        privateLinkLocation: one.place.region
        requestMessage: 'Front Door of ${estate.workload} ${estate.environment}'
      }
    }
  }
]

resource toSites 'Microsoft.Cdn/profiles/originGroups/origins@2025-12-01' = [
  for one in siteOrigins: {
    name: '${names.profile}/${one.group}/${one.place.region}'
    properties: {
      ...websiteOrigin(sites[one.index].properties.primaryEndpoints.web)
      priority: 1
      weight: one.place.weight
      sharedPrivateLinkResource: {
        privateLink: { id: sites[one.index].id }
        groupId: 'web'
        privateLinkLocation: one.place.region
        requestMessage: 'Front Door of ${estate.workload} ${estate.environment}'
      }
    }
    dependsOn: [groups]
  }
]

resource toImages 'Microsoft.Cdn/profiles/originGroups/origins@2025-12-01' = [
  for group in imageGroups: {
    name: '${names.profile}/${group.name}/primary'
    properties: {
      ...websiteOrigin(images.properties.primaryEndpoints.web)
      priority: 1
      weight: 1000
      sharedPrivateLinkResource: {
        privateLink: { id: images.id }
        groupId: 'web'
        privateLinkLocation: estate.regions[0]
        requestMessage: 'Front Door of ${estate.workload} ${estate.environment}'
      }
    }
    dependsOn: [groups]
  }
]

// The copy in the paired region can be read while the first region is away.
resource toImageCopies 'Microsoft.Cdn/profiles/originGroups/origins@2025-12-01' = [
  for group in imageGroups: {
    name: '${names.profile}/${group.name}/secondary'
    properties: {
      ...websiteOrigin(images.properties.secondaryEndpoints.web)
      priority: 2
      weight: 1000
      sharedPrivateLinkResource: {
        privateLink: { id: images.id }
        groupId: 'web_secondary'
        privateLinkLocation: regionOf(estate.regions[0]).paired
        requestMessage: 'Front Door of ${estate.workload} ${estate.environment}'
      }
    }
    dependsOn: [groups]
  }
]

var ruledRoutes = filter(
  described.routes,
  route => contains(route, 'responseHeaders') || contains(route, 'rewriteWithoutExtension')
)
var rewritingRoutes = filter(described.routes, route => contains(route, 'rewriteWithoutExtension'))
var headingRoutes = filter(described.routes, route => contains(route, 'responseHeaders'))

resource ruleSets 'Microsoft.Cdn/profiles/ruleSets@2025-12-01' = [
  for route in ruledRoutes: {
    parent: profile
    name: route.name
  }
]

resource headers 'Microsoft.Cdn/profiles/ruleSets/rules@2025-12-01' = [
  for route in headingRoutes: {
    name: '${names.profile}/${route.name}/headers'
    properties: {
      order: 1
      matchProcessingBehavior: 'Continue'
      actions: [
        for header in items(route.responseHeaders!): {
          name: 'ModifyResponseHeader'
          parameters: {
            typeName: 'DeliveryRuleHeaderActionParameters'
            headerAction: 'Overwrite'
            headerName: header.key
            value: header.value
          }
        }
      ]
    }
    dependsOn: [ruleSets]
  }
]

// A path without an extension is one of the page's own views, not a file.
resource rewrites 'Microsoft.Cdn/profiles/ruleSets/rules@2025-12-01' = [
  for route in rewritingRoutes: {
    name: '${names.profile}/${route.name}/rewrite'
    properties: {
      order: 2
      matchProcessingBehavior: 'Continue'
      conditions: [
        {
          name: 'UrlFileExtension'
          parameters: {
            typeName: 'DeliveryRuleUrlFileExtensionMatchConditionParameters'
            operator: 'Any'
            negateCondition: true
            matchValues: []
            transforms: []
          }
        }
      ]
      actions: [
        {
          name: 'UrlRewrite'
          parameters: {
            typeName: 'DeliveryRuleUrlRewriteActionParameters'
            sourcePattern: '/'
            destination: route.rewriteWithoutExtension!
            preserveUnmatchedPath: false
          }
        }
      ]
    }
    dependsOn: [ruleSets]
  }
]

resource routes 'Microsoft.Cdn/profiles/afdEndpoints/routes@2025-12-01' = [
  for route in described.routes: {
    parent: profile::endpoint
    name: route.name
    properties: {
      ...common(ownDomain ? [domain.id] : [])
      originGroup: { id: resourceId('Microsoft.Cdn/profiles/originGroups', names.profile, route.originGroup) }
      patternsToMatch: route.patternsToMatch
      ruleSets: contains(map(ruledRoutes, ruled => ruled.name), route.name)
        ? [{ id: resourceId('Microsoft.Cdn/profiles/ruleSets', names.profile, route.name) }]
        : []
      cacheConfiguration: route.?cacheConfiguration
    }
    // A route may not come before its group has an origin, nor before the firewall; only we know that.
    dependsOn: [toGateways, toSites, toImages, toImageCopies, headers, rewrites, security]
  }
]

resource singleStampRoutes 'Microsoft.Cdn/profiles/afdEndpoints/routes@2025-12-01' = [
  for (one, index) in singleRoutes: {
    parent: profile::endpoint
    name: 'stamp-${one.name}'
    properties: {
      ...common(ownDomain ? [domain.id] : [])
      originGroup: { id: singleGroups[index].id }
      originPath: one.route.originPath
      patternsToMatch: map(one.route.patternsToMatch, pattern => replace(pattern, '{stamp}', one.place.region))
    }
    dependsOn: [toSingleGateways, security]
  }
]

@description('What all routes have in common.')
func common(domainIds string[]) resourceInput<'Microsoft.Cdn/profiles/afdEndpoints/routes@2025-12-01'>.properties => {
  enabledState: 'Enabled'
  supportedProtocols: ['Http', 'Https']
  httpsRedirect: 'Enabled'
  forwardingProtocol: 'HttpsOnly'
  linkToDefaultDomain: 'Enabled'
  customDomains: map(domainIds, id => { id: id })
}

@description('What all origins at gateways have in common.')
func gatewayOrigin(host string, region string) resourceInput<'Microsoft.Cdn/profiles/originGroups/origins@2025-12-01'>.properties => {
  hostName: host
  originHostHeader: host
  httpPort: 80
  httpsPort: 443
  priority: 1
  enabledState: 'Enabled'
  enforceCertificateNameCheck: true
}

@description('What all origins at static websites have in common.')
func websiteOrigin(endpoint string) resourceInput<'Microsoft.Cdn/profiles/originGroups/origins@2025-12-01'>.properties => {
  hostName: split(endpoint, '/')[2]
  originHostHeader: split(endpoint, '/')[2]
  httpPort: 80
  httpsPort: 443
  enabledState: 'Enabled'
  enforceCertificateNameCheck: true
}

@export()
@description('A stamp in rotation.')
type stampType = {
  @description('Required. Its region.')
  region: string

  @description('Required. Share of the traffic, 1 to 1000, among stamps that are equally near.')
  @minValue(1)
  @maxValue(1000)
  weight: int
}
