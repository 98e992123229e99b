metadata name = 'Stand-by'
metadata description = 'A way in past Front Door, for the day when Front Door itself is away: an Application Gateway with the same firewall rules, before the same internal gateway, site and images. Closed by the rules of its subnet until an operator opens them.'

import { tagsType } from '../naming.bicep'
import { toWorkspace } from '../modules/diagnostics.bicep'
import { botRuleSet, defaultRuleSet, freeTexts, rulesOff } from '../modules/firewall.bicep'
import { roles } from '../modules/roles.bicep'

@description('Required. Beginning of the identity\'s name.')
param prefix string

@description('Required. End of the other names.')
param suffix string

@description('Required. First label of its public name.')
param publicName string

@description('Required. Its region.')
param location string

@description('Required. Its tags.')
param tags tagsType

@description('Required. Whether it is in use: then two instances are warm at least.')
param open bool

@description('Required. Name of the network.')
param networkName string

@description('Required. Name of the vault.')
param vaultName string

@description('Required. Name in the vault of the certificate of the environment\'s domain.')
@minLength(1)
param certificate string

@description('Required. Address of the internal gateway.')
param gatewayAddress string

@description('Required. Name that its certificate carries.')
param gatewayHost string

@description('Required. Host of the stamp\'s static website.')
param siteHost string

@description('Required. Host of the images\' static website.')
param imagesHost string

@description('Required. What the API expects in X-Azure-FDID.')
param frontDoorId string

@description('Required. Workspace that gets the logs.')
param workspaceId string

var name = 'agw-${suffix}'
var zones = ['1', '2', '3']
// Headers and origins of each route: the one description that Front Door is made of too.
var described = loadJsonContent('../front-door.json')
var headingRoutes = filter(described.routes, route => contains(route, 'responseHeaders'))
var hosts = {
  gateway: { address: { ipAddress: gatewayAddress }, host: gatewayHost }
  website: { address: { fqdn: siteHost }, host: siteHost }
  images: { address: { fqdn: imagesHost }, host: imagesHost }
}
var backends = map(described.originGroups, group => {
  name: group.name
  address: hosts[group.origins].address
  host: hosts[group.origins].host
  probePath: group.healthProbeSettings.probePath
})

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: '${prefix}-stand-by'
  location: location
  tags: tags
}

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: vaultName
}

resource readCertificate 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, 'stand-by', roles.keyVaultSecretsUser)
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsUser)
  }
}

resource address 'Microsoft.Network/publicIPAddresses@2025-01-01' = {
  name: 'pip-${suffix}-stand-by'
  location: location
  tags: tags
  sku: { name: 'Standard', tier: 'Regional' }
  zones: zones
  properties: {
    publicIPAllocationMethod: 'Static'
    publicIPAddressVersion: 'IPv4'
    dnsSettings: { domainNameLabel: publicName }
  }
}

resource firewall 'Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies@2025-01-01' = {
  name: 'waf-${suffix}-stand-by'
  location: location
  tags: tags
  properties: {
    policySettings: {
      state: 'Enabled'
      mode: 'Prevention'
      requestBodyCheck: true
      requestBodyInspectLimitInKB: 128
      // Images are up to 2 MiB; the API measures bodies itself.
      requestBodyEnforcement: false
      fileUploadEnforcement: false
    }
    managedRules: {
      managedRuleSets: [
        {
          ruleSetType: 'Microsoft_DefaultRuleSet'
          ruleSetVersion: defaultRuleSet
          ruleGroupOverrides: [
            for off in rulesOff: {
              ruleGroupName: off.group
              rules: [{ ruleId: off.rule, state: 'Disabled' }]
            }
          ]
        }
        { ruleSetType: 'Microsoft_BotManagerRuleSet', ruleSetVersion: botRuleSet }
      ]
      exclusions: [
        for field in freeTexts: {
          matchVariable: 'RequestArgValues'
          selectorMatchOperator: 'Equals'
          selector: field
        }
      ]
    }
  }
}

resource gateway 'Microsoft.Network/applicationGateways@2025-01-01' = {
  name: name
  location: location
  tags: tags
  zones: zones
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identity.id}': {} } }
  properties: {
    sku: { name: 'WAF_v2', tier: 'WAF_v2' }
    autoscaleConfiguration: { minCapacity: open ? 2 : 0, maxCapacity: 10 }
    enableHttp2: true
    firewallPolicy: { id: firewall.id }
    sslPolicy: { policyType: 'Predefined', policyName: 'AppGwSslPolicy20220101S' }
    sslCertificates: [
      {
        name: 'own-domain'
        properties: { keyVaultSecretId: '${vault.properties.vaultUri}secrets/${certificate}' }
      }
    ]
    gatewayIPConfigurations: [
      {
        name: 'subnet'
        properties: {
          subnet: { id: resourceId('Microsoft.Network/virtualNetworks/subnets', networkName, 'stand-by') }
        }
      }
    ]
    frontendIPConfigurations: [{ name: 'public', properties: { publicIPAddress: { id: address.id } } }]
    frontendPorts: [{ name: 'https', properties: { port: 443 } }]
    httpListeners: [
      {
        name: 'https'
        properties: {
          protocol: 'Https'
          frontendIPConfiguration: part('frontendIPConfigurations', name, 'public')
          frontendPort: part('frontendPorts', name, 'https')
          sslCertificate: part('sslCertificates', name, 'own-domain')
        }
      }
    ]
    backendAddressPools: [
      for backend in backends: {
        name: backend.name
        properties: { backendAddresses: [backend.address] }
      }
    ]
    probes: [
      for backend in backends: {
        name: backend.name
        properties: {
          protocol: 'Https'
          host: backend.host
          path: backend.probePath
          interval: 5
          timeout: 5
          unhealthyThreshold: 2
          match: { statusCodes: ['200'] }
        }
      }
    ]
    backendHttpSettingsCollection: [
      for backend in backends: {
        name: backend.name
        properties: {
          protocol: 'Https'
          port: 443
          hostName: backend.host
          requestTimeout: described.originResponseTimeoutSeconds
          cookieBasedAffinity: 'Disabled'
          probe: part('probes', name, backend.name)
        }
      }
    ]
    rewriteRuleSets: [
      {
        // The API knows one way in by this header. Nobody else can reach it here, and what a client sends is overwritten.
        name: 'as-front-door'
        properties: {
          rewriteRules: [
            {
              name: 'id'
              ruleSequence: 10
              actionSet: {
                requestHeaderConfigurations: [{ headerName: 'X-Azure-FDID', headerValue: frontDoorId }]
              }
            }
          ]
        }
      }
      ...map(headingRoutes, route => {
        name: route.name
        properties: {
          rewriteRules: [
            {
              name: 'headers'
              ruleSequence: 10
              actionSet: {
                responseHeaderConfigurations: map(items(route.responseHeaders!), header => {
                  headerName: header.key
                  headerValue: header.value
                })
              }
            }
          ]
        }
      })
    ]
    urlPathMaps: [
      {
        name: 'routes'
        properties: {
          defaultBackendAddressPool: part('backendAddressPools', name, 'site')
          defaultBackendHttpSettings: part('backendHttpSettingsCollection', name, 'site')
          defaultRewriteRuleSet: part('rewriteRuleSets', name, 'site')
          pathRules: map(filter(described.routes, route => route.name != 'site'), route => {
            name: route.name
            properties: {
              paths: route.patternsToMatch
              backendAddressPool: part('backendAddressPools', name, route.originGroup)
              backendHttpSettings: part('backendHttpSettingsCollection', name, route.originGroup)
              rewriteRuleSet: part(
                'rewriteRuleSets',
                name,
                contains(route, 'responseHeaders') ? route.name : 'as-front-door'
              )
            }
          })
        }
      }
    ]
    requestRoutingRules: [
      {
        name: 'https'
        properties: {
          ruleType: 'PathBasedRouting'
          priority: 10
          httpListener: part('httpListeners', name, 'https')
          urlPathMap: part('urlPathMaps', name, 'routes')
        }
      }
    ]
  }
  dependsOn: [readCertificate]
}

resource gatewayDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: gateway
  name: 'to-workspace'
  properties: toWorkspace(workspaceId)
}

resource addressDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: address
  name: 'to-workspace'
  properties: toWorkspace(workspaceId)
}

@description('Points to another part of the gateway.')
func part(kind string, gateway string, name string) pointerType => {
  id: resourceId('Microsoft.Network/applicationGateways/${kind}', gateway, name)
}

@description('A pointer from one part of the gateway to another.')
type pointerType = {
  @description('Required. Id of the part.')
  id: string
}
