metadata name = 'Traffic'
metadata description = 'What the environment\'s domain points to: Front Door, or, by an operator\'s hand, the stamps\' stand-by ways in.'

import { estateType, globalNames, stampNames, tagsType } from '../naming.bicep'
import { toWorkspace } from '../modules/diagnostics.bicep'
import { stampType } from 'routes.bicep'

@description('Required. What all templates of the environment agree on.')
param estate estateType

@description('Required. Stamps in rotation.')
param stamps stampType[]

@description('Required. Tags of all.')
param tags tagsType

@description('Required. Where clients go.')
param path 'frontDoor' | 'standBy'

@description('Required. Workspace that gets the logs.')
param workspaceId string

var subscriptionId = subscription().subscriptionId
var names = globalNames(estate, subscriptionId)
var places = map(stamps, stamp => { ...stampNames(estate, subscriptionId, stamp.region), ...stamp })
var probe = {
  protocol: 'HTTPS'
  port: 443
  path: '/health/stamp'
  intervalInSeconds: 30
  timeoutInSeconds: 10
  toleratedNumberOfFailures: 3
}

resource endpoint 'Microsoft.Cdn/profiles/afdEndpoints@2025-12-01' existing = {
  name: '${names.profile}/${names.endpoint}'
}

resource standBy 'Microsoft.Network/trafficManagerProfiles@2022-04-01' = {
  name: '${names.traffic}-stand-by'
  location: 'global'
  tags: tags
  properties: {
    profileStatus: 'Enabled'
    trafficRoutingMethod: 'Performance'
    dnsConfig: { relativeName: '${names.traffic}-stand-by', ttl: 60 }
    monitorConfig: probe
    endpoints: [
      for place in places: {
        name: place.region
        type: 'Microsoft.Network/trafficManagerProfiles/externalEndpoints'
        properties: {
          target: '${place.standBy}.${place.region}.cloudapp.azure.com'
          endpointLocation: place.region
          endpointStatus: 'Enabled'
          weight: place.weight
          customHeaders: [{ name: 'Host', value: estate.domain }]
        }
      }
    ]
  }
}

// Nothing here follows probes: Traffic Manager's come from few places, and Front Door fails in parts.
resource entry 'Microsoft.Network/trafficManagerProfiles@2022-04-01' = {
  name: names.traffic
  location: 'global'
  tags: tags
  properties: {
    profileStatus: 'Enabled'
    trafficRoutingMethod: 'Priority'
    dnsConfig: { relativeName: names.traffic, ttl: 300 }
    monitorConfig: probe
    endpoints: [
      {
        name: 'front-door'
        type: 'Microsoft.Network/trafficManagerProfiles/externalEndpoints'
        properties: {
          target: endpoint.properties.hostName
          priority: 1
          alwaysServe: 'Enabled'
          endpointStatus: path == 'frontDoor' ? 'Enabled' : 'Disabled'
        }
      }
      {
        name: 'stand-by'
        type: 'Microsoft.Network/trafficManagerProfiles/nestedEndpoints'
        properties: {
          targetResourceId: standBy.id
          minChildEndpoints: 1
          priority: 2
          endpointStatus: path == 'standBy' ? 'Enabled' : 'Disabled'
        }
      }
    ]
  }
}

resource entryDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: entry
  name: 'to-workspace'
  properties: toWorkspace(workspaceId)
}

resource standByDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: standBy
  name: 'to-workspace'
  properties: toWorkspace(workspaceId)
}
