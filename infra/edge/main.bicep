targetScope = 'subscription'

metadata name = 'Edge'
metadata description = 'Which stamps Front Door serves, and how: deployed after the stamps, and again whenever one comes or goes.'

import { estateType, globalNames, tagsOf } from '../naming.bicep'
import { stampType } from 'routes.bicep'

@description('Required. What all templates of the environment agree on.')
param estate estateType

@description('Required. Stamps in rotation: all have been deployed, and their gateways are there.')
@minLength(1)
param stamps stampType[]

@description('Optional. Name in the vault of the certificate of the environment\'s own domain, which is then served; Front Door\'s own name alone by default.')
param certificate string = ''

@description('Optional. Whether the domain points to Front Door, or past it, to the stamps\' stand-by ways in; `none` makes no Traffic Manager.')
param path 'none' | 'frontDoor' | 'standBy' = 'none'

var names = globalNames(estate, subscription().subscriptionId)

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' existing = {
  name: names.group
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' existing = {
  scope: group
  name: names.workspace
}

module routes 'routes.bicep' = {
  scope: group
  params: {
    estate: estate
    stamps: stamps
    certificate: certificate
  }
}

module traffic 'traffic.bicep' = if (path != 'none') {
  scope: group
  params: {
    estate: estate
    stamps: stamps
    tags: tagsOf(estate, 'global')
    path: path == 'standBy' ? 'standBy' : 'frontDoor'
    workspaceId: workspace.id
  }
}
