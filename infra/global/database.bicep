metadata name = 'Database'
metadata description = 'Cosmos DB account that every region writes, with the containers that the code relies on.'

import { tagsType } from '../naming.bicep'
import { toWorkspace } from '../modules/diagnostics.bicep'

@description('Required. Name of the account.')
param name string

@description('Required. Region of the account\'s own record.')
param location string

@description('Required. Its tags.')
param tags tagsType

@description('Required. Regions that hold the data, by their display names.')
@minLength(1)
param regions string[]

@description('Required. Highest throughput by container.')
param throughput throughputType

@description('Required. Workspace that gets the logs.')
param workspaceId string

// Partition keys, TTLs, conflict path and indexes: the one description that the code and the local cloud read too.
var shared = loadJsonContent('../resources.json').cosmos

resource account 'Microsoft.DocumentDB/databaseAccounts@2026-03-15' = {
  name: name
  location: location
  tags: tags
  kind: 'GlobalDocumentDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    enableMultipleWriteLocations: true
    locations: [
      for (region, index) in regions: {
        locationName: region
        failoverPriority: index
        isZoneRedundant: true
      }
    ]
    consistencyPolicy: { defaultConsistencyLevel: 'Session' }
    backupPolicy: { type: 'Continuous', continuousModeProperties: { tier: 'Continuous30Days' } }
    disableLocalAuth: true
    disableKeyBasedMetadataWriteAccess: true
    minimalTlsVersion: 'Tls12'
    publicNetworkAccess: 'Disabled'
    networkAclBypass: 'None'
    enableAutomaticFailover: true
    enableBurstCapacity: true
    enablePerRegionPerPartitionAutoscale: true
  }
}

resource database 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2026-03-15' = {
  parent: account
  name: shared.database
  properties: {
    resource: { id: shared.database }
  }
}

resource container 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2026-03-15' = [
  for described in shared.containers: {
    parent: database
    name: described.id
    properties: {
      resource: described
      options: { autoscaleSettings: { maxThroughput: throughput[described.id] } }
    }
  }
]

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: account
  name: 'to-workspace'
  properties: toWorkspace(workspaceId)
}

@description('Where clients connect to.')
output endpoint string = account.properties.documentEndpoint

@description('Id of the account.')
output id string = account.id

@export()
@description('Highest request units a second by container, for each region of the account.')
type throughputType = {
  @description('Required. Request units a second, in thousands: of the container of this name.')
  @minValue(1000)
  *: int
}
