metadata name = 'Vault'
metadata description = 'The stamp\'s Key Vault: the API\'s keys in two slots, and certificates.'

import { tagsType } from '../naming.bicep'
import { toWorkspace } from '../modules/diagnostics.bicep'
import { grantType } from '../modules/roles.bicep'

@description('Required. Its name.')
@minLength(3)
@maxLength(24)
param name string

@description('Required. Its region.')
param location string

@description('Required. Its tags.')
param tags tagsType

@description('Required. Who may read and write what is in it.')
param grants grantType[]

@description('Required. Bring the vault back that went with an earlier stamp of this name, its secrets included. A vault is kept for 90 days, and keeps its name.')
param recover bool

@description('Required. Workspace that gets the logs.')
param workspaceId string

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
    publicNetworkAccess: 'Disabled'
    networkAcls: { defaultAction: 'Deny', bypass: 'None' }
    ...(recover ? { createMode: 'recover' } : {})
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for grant in grants: {
    scope: vault
    name: guid(vault.id, grant.who, grant.role)
    properties: {
      principalId: grant.principalId
      principalType: grant.?principalType ?? 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', grant.role)
    }
  }
]

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: vault
  name: 'to-workspace'
  properties: toWorkspace(workspaceId)
}

@description('Id of the vault.')
output id string = vault.id
