metadata name = 'Blob access'
metadata description = 'Roles on single containers of a storage account.'

import { containerGrantType } from 'roles.bicep'

@description('Required. Name of the storage account.')
param account string

@description('Required. Who gets which role on which container.')
param grants containerGrantType[]

resource storage 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: account

  resource blobs 'blobServices' existing = {
    name: 'default'
  }
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' existing = [
  for grant in grants: {
    parent: storage::blobs
    name: grant.container
  }
]

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (grant, index) in grants: {
    scope: container[index]
    name: guid(storage.id, grant.container, grant.who, grant.role)
    properties: {
      principalId: grant.principalId
      principalType: grant.?principalType ?? 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', grant.role)
    }
  }
]
