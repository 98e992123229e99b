metadata name = 'Registry access'
metadata description = 'Lets an identity pull images.'

import { roles } from 'roles.bicep'

@description('Required. Name of the registry.')
param registry string

@description('Required. Name of the identity.')
param who string

@description('Required. Object id of the identity.')
param principalId string

resource images 'Microsoft.ContainerRegistry/registries@2025-11-01' existing = {
  name: registry
}

resource pull 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: images
  name: guid(images.id, who, roles.acrPull)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.acrPull)
  }
}
