metadata name = 'Registry'
metadata description = 'Container registry with a copy in every region, so that no stamp needs another region to start a pod.'

import { tagsType } from '../naming.bicep'
import { toWorkspace } from '../modules/diagnostics.bicep'
import { roles } from '../modules/roles.bicep'

@description('Required. Its name.')
param name string

@description('Required. Region of its first copy.')
param location string

@description('Required. Its tags.')
param tags tagsType

@description('Required. Regions of its other copies.')
param replicas string[]

@description('Required. Object id of who pushes images; empty for nobody.')
param deployersId string

@description('Required. Workspace that gets the logs.')
param workspaceId string

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Premium' }
  properties: {
    adminUserEnabled: false
    anonymousPullEnabled: false
    dataEndpointEnabled: true
    publicNetworkAccess: 'Disabled'
    networkRuleBypassOptions: 'None'
    zoneRedundancy: 'Enabled'
    policies: {
      exportPolicy: { status: 'disabled' }
      retentionPolicy: { status: 'enabled', days: 30 }
    }
  }
}

resource replica 'Microsoft.ContainerRegistry/registries/replications@2025-11-01' = [
  for region in replicas: {
    parent: registry
    name: region
    location: region
    tags: tags
    properties: { zoneRedundancy: 'Enabled', regionEndpointEnabled: true }
  }
]

resource push 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(deployersId)) {
  scope: registry
  name: guid(registry.id, 'deployers', roles.acrPush)
  properties: {
    principalId: deployersId
    principalType: 'Group'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.acrPush)
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: registry
  name: 'to-workspace'
  properties: toWorkspace(workspaceId)
}

@description('Where images are pushed and pulled.')
output endpoint string = registry.properties.loginServer

@description('Id of the registry.')
output id string = registry.id
