metadata name = 'Events'
metadata description = 'The stamp\'s Event Hubs namespace with the hub of commands, captured into the region\'s archive.'

import { tagsType } from '../naming.bicep'
import { toWorkspace } from '../modules/diagnostics.bicep'
import { grantType } from '../modules/roles.bicep'

@description('Required. Name of the namespace; lower case.')
param name string

@description('Required. Its region.')
param location string

@description('Required. Its tags.')
param tags tagsType

@description('Required. Throughput units.')
param throughputUnits throughputUnitsType

@description('Required. Id of the identity that writes captured events.')
param captureIdentityId string

@description('Required. Id of the storage account that they are written to.')
param captureAccountId string

@description('Required. Who may send and receive.')
param grants grantType[]

@description('Required. Workspace that gets the logs.')
param workspaceId string

var shared = loadJsonContent('../resources.json').eventHubs

resource namespace 'Microsoft.EventHub/namespaces@2026-01-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Standard', tier: 'Standard', capacity: throughputUnits.initial }
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${captureIdentityId}': {} } }
  properties: {
    disableLocalAuth: true
    isAutoInflateEnabled: true
    kafkaEnabled: false
    maximumThroughputUnits: throughputUnits.highest
    minimumTlsVersion: '1.2'
    publicNetworkAccess: 'Disabled'
    zoneRedundant: true
  }
}

resource network 'Microsoft.EventHub/namespaces/networkRuleSets@2026-01-01' = {
  parent: namespace
  name: 'default'
  properties: {
    publicNetworkAccess: 'Disabled'
    defaultAction: 'Deny'
    trustedServiceAccessEnabled: false
  }
}

resource hub 'Microsoft.EventHub/namespaces/eventhubs@2026-01-01' = {
  parent: namespace
  name: shared.hub
  properties: {
    partitionCount: shared.partitions
    retentionDescription: { cleanupPolicy: 'Delete', retentionTimeInHours: shared.retentionHours }
    captureDescription: {
      enabled: true
      encoding: 'Avro'
      intervalInSeconds: 300
      sizeLimitInBytes: 104857600
      skipEmptyArchives: true
      destination: {
        name: 'EventHubArchive.AzureBlockBlob'
        identity: { type: 'UserAssigned', userAssignedIdentity: captureIdentityId }
        properties: {
          storageAccountResourceId: captureAccountId
          blobContainer: 'capture'
          archiveNameFormat: '{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}'
        }
      }
    }
  }

  resource group 'consumergroups' = {
    name: shared.consumerGroup
    properties: { userMetadata: 'The processor, and nobody else.' }
  }
}

// On the hub: the SDKs ask it for its partitions, which a role on the consumer group alone would not allow.
resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for grant in grants: {
    scope: hub
    name: guid(hub.id, grant.who, grant.role)
    properties: {
      principalId: grant.principalId
      principalType: grant.?principalType ?? 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', grant.role)
    }
  }
]

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: namespace
  name: 'to-workspace'
  properties: toWorkspace(workspaceId)
}

@description('Id of the namespace.')
output id string = namespace.id

@description('Host name of the namespace: setting EVENT_HUBS__fullyQualifiedNamespace.')
output host string = split(split(namespace.properties.serviceBusEndpoint, '://')[1], ':')[0]

@export()
@description('Throughput units of a namespace, 1 MB/s in and 2 MB/s out each.')
type throughputUnitsType = {
  @description('Required. At first, and never fewer.')
  @minValue(1)
  @maxValue(40)
  initial: int

  @description('Required. At most, when auto-inflate has added all it may. The service never takes them away again by itself.')
  @minValue(1)
  @maxValue(40)
  highest: int
}
