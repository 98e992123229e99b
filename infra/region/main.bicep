targetScope = 'subscription'

metadata name = 'Region'
metadata description = 'What a region keeps when its stamp is replaced: logs, dead letters, captured events.'

import { estateType, regionNames, tagsOf } from '../naming.bicep'

@description('Required. What all templates of the environment agree on.')
param estate estateType

@description('Required. The region, by its name in Azure.')
param location string

@description('Required. How long things are kept.')
param sizes sizesType

var names = regionNames(estate, subscription().subscriptionId, location)
var tags = tagsOf(estate, 'region')
var shared = loadJsonContent('../resources.json')

// A letter is read and replayed by people, within weeks; then what is personal in it must go.
var letterDays = 90

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: names.group
  location: location
  tags: tags
}

module workspace '../modules/workspace.bicep' = {
  scope: group
  params: {
    name: names.workspace
    location: location
    tags: tags
    retentionDays: sizes.logRetentionDays
    dailyQuotaGb: sizes.logDailyQuotaGb
  }
}

module letters '../modules/storage.bicep' = {
  scope: group
  params: {
    name: names.letters
    location: location
    tags: tags
    sku: 'Standard_ZRS'
    containers: [shared.storage.deadLetterContainer]
    website: false
    versioning: true
    trustAzureServices: false
    softDeleteDays: 14
    lifecycle: [
      { name: 'letters-go', prefixes: ['${shared.storage.deadLetterContainer}/'], deleteAfterDays: letterDays }
    ]
    workspaceId: workspace.outputs.id
  }
}

module archive '../modules/storage.bicep' = {
  scope: group
  params: {
    name: names.archive
    location: location
    tags: tags
    sku: 'Standard_ZRS'
    containers: ['capture']
    website: false
    versioning: false
    // Event Hubs Capture and the export of logs write into it, by their identities.
    trustAzureServices: true
    softDeleteDays: 14
    lifecycle: [
      { name: 'captured-events-go', prefixes: ['capture/'], coolAfterDays: 30, deleteAfterDays: sizes.captureDays }
      {
        name: 'exported-logs-go'
        prefixes: ['am-']
        blobTypes: ['appendBlob']
        deleteAfterDays: sizes.exportedLogDays
      }
    ]
    workspaceId: workspace.outputs.id
  }
}

module observability 'observability.bicep' = {
  scope: group
  params: {
    insights: names.insights
    metrics: names.metrics
    workspace: names.workspace
    workspaceId: workspace.outputs.id
    archiveId: archive.outputs.id
    location: location
    tags: tags
  }
}

@description('Blob endpoint of the dead letters: setting DEAD_LETTERS__blobServiceUri.')
output lettersEndpoint string = letters.outputs.blobEndpoint

@description('Id of the workspace that the stamp\'s logs go to.')
output workspaceId string = workspace.outputs.id

@description('Id of Application Insights.')
output insightsId string = observability.outputs.insightsId

@description('Id of the workspace of Prometheus metrics.')
output metricsId string = observability.outputs.metricsId

@description('How long things are kept.')
type sizesType = {
  @description('Required. Days that logs stay searchable.')
  @minValue(30)
  @maxValue(730)
  logRetentionDays: int

  @description('Required. GB of logs a day, after which ingestion stops; -1 for no limit.')
  logDailyQuotaGb: int

  @description('Required. Days that captured events are kept. Longer than the hub keeps them, or the copy has no use.')
  @minValue(8)
  captureDays: int

  @description('Required. Days that exported logs are kept.')
  @minValue(30)
  exportedLogDays: int
}
