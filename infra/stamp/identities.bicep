metadata name = 'Identities'
metadata description = 'One identity for each program that runs in the stamp. What each may do: the grants of main.bicep.'

import { tagsType } from '../naming.bicep'

@description('Required. Beginning of their names.')
param prefix string

@description('Required. Their region.')
param location string

@description('Required. Their tags.')
param tags tagsType

var programs = ['cluster', 'kubelet', 'api', 'processor', 'keda', 'capture']

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = [
  for program in programs: {
    name: '${prefix}-${program}'
    location: location
    tags: tags
  }
]

@description('The cluster\'s control plane: joins nodes to the network, makes the private link service.')
output cluster identityType = {
  id: identity[indexOf(programs, 'cluster')].id
  clientId: identity[indexOf(programs, 'cluster')].properties.clientId
  principalId: identity[indexOf(programs, 'cluster')].properties.principalId
}

@description('Nodes: pull images.')
output kubelet identityType = {
  id: identity[indexOf(programs, 'kubelet')].id
  clientId: identity[indexOf(programs, 'kubelet')].properties.clientId
  principalId: identity[indexOf(programs, 'kubelet')].properties.principalId
}

@description('Pods of the API.')
output api identityType = {
  id: identity[indexOf(programs, 'api')].id
  clientId: identity[indexOf(programs, 'api')].properties.clientId
  principalId: identity[indexOf(programs, 'api')].properties.principalId
}

@description('Pods of the processor.')
output processor identityType = {
  id: identity[indexOf(programs, 'processor')].id
  clientId: identity[indexOf(programs, 'processor')].properties.clientId
  principalId: identity[indexOf(programs, 'processor')].properties.principalId
}

@description('KEDA\'s operator: reads how far the processor is behind.')
output keda identityType = {
  id: identity[indexOf(programs, 'keda')].id
  clientId: identity[indexOf(programs, 'keda')].properties.clientId
  principalId: identity[indexOf(programs, 'keda')].properties.principalId
}

@description('Event Hubs: writes captured events.')
output capture identityType = {
  id: identity[indexOf(programs, 'capture')].id
  clientId: identity[indexOf(programs, 'capture')].properties.clientId
  principalId: identity[indexOf(programs, 'capture')].properties.principalId
}

@export()
@description('An identity, as others need to know it.')
type identityType = {
  @description('Required. Its resource id.')
  id: string

  @description('Required. What pods and nodes call it by.')
  clientId: string

  @description('Required. What roles are given to.')
  principalId: string
}
