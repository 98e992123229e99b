metadata name = 'Storage'
metadata description = 'Storage account for blobs: private, without keys, redundant over zones, with soft delete.'

import { tagsType } from '../naming.bicep'
import { toWorkspace } from 'diagnostics.bicep'

@description('Required. Its name.')
@minLength(3)
@maxLength(24)
param name string

@description('Required. Its region.')
param location string

@description('Required. Its tags.')
param tags tagsType

@description('Required. Redundancy: over zones, or over zones and into the paired region with a readable copy.')
param sku 'Standard_ZRS' | 'Standard_RAGZRS'

@description('Required. Containers, all private.')
param containers string[]

@description('Required. Serve container $web as a static website.')
param website bool

@description('Required. Keep earlier versions of blobs. Not for checkpoints, which are written all the time.')
param versioning bool

@description('Required. Let Azure\'s own trusted services in by their identity: Event Hubs Capture, data export.')
param trustAzureServices bool

@description('Required. Days that deleted blobs and containers can be brought back.')
param softDeleteDays int

@description('Required. Rules that age blobs; empty for none.')
param lifecycle lifecycleRuleType[]

@description('Required. Workspace that gets the logs.')
param workspaceId string

resource account 'Microsoft.Storage/storageAccounts@2026-04-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: sku }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    isLocalUserEnabled: false
    minimumTlsVersion: 'TLS1_2'
    publicNetworkAccess: 'Disabled'
    supportsHttpsTrafficOnly: true
    networkAcls: { defaultAction: 'Deny', bypass: trustAzureServices ? 'AzureServices' : 'None' }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2026-04-01' = {
  parent: account
  name: 'default'
  properties: {
    isVersioningEnabled: versioning
    deleteRetentionPolicy: { enabled: true, days: softDeleteDays }
    containerDeleteRetentionPolicy: { enabled: true, days: softDeleteDays }
    staticWebsite: website
      ? { enabled: true, indexDocument: 'index.html', errorDocument404Path: 'index.html' }
      : { enabled: false }
  }
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' = [
  for one in containers: {
    parent: blobs
    name: one
    properties: { publicAccess: 'None' }
  }
]

resource aging 'Microsoft.Storage/storageAccounts/managementPolicies@2026-04-01' = if (!empty(lifecycle)) {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        for rule in lifecycle: {
          name: rule.name
          enabled: true
          type: 'Lifecycle'
          definition: {
            filters: { blobTypes: rule.?blobTypes ?? ['blockBlob'], prefixMatch: rule.prefixes }
            actions: {
              baseBlob: {
                delete: { daysAfterModificationGreaterThan: rule.deleteAfterDays }
                ...(contains(rule, 'coolAfterDays')
                  ? { tierToCool: { daysAfterModificationGreaterThan: rule.coolAfterDays! } }
                  : {})
              }
              ...(versioning ? { version: { delete: { daysAfterCreationGreaterThan: rule.deleteAfterDays } } } : {})
            }
          }
        }
      ]
    }
  }
  dependsOn: [blobs]
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: blobs
  name: 'to-workspace'
  properties: toWorkspace(workspaceId)
}

@description('Id of the account.')
output id string = account.id

@description('Name of the account.')
output name string = account.name

@description('Where its blobs are read and written.')
output blobEndpoint string = account.properties.primaryEndpoints.blob

@description('Where its static website is read.')
output webEndpoint string = account.properties.primaryEndpoints.web

@export()
@description('When blobs under certain names become cheaper, and when they go.')
type lifecycleRuleType = {
  @description('Required. Name of the rule.')
  name: string

  @description('Required. Beginnings of the blobs\' paths, container first; empty for all.')
  prefixes: string[]

  @description('Required. Days after the last change until a blob is deleted.')
  deleteAfterDays: int

  @description('Optional. Days after the last change until it moves to the cool tier.')
  coolAfterDays: int?

  @description('Optional. Block blobs by default; exported logs are append blobs.')
  blobTypes: ('blockBlob' | 'appendBlob')[]?
}
