targetScope = 'subscription'

metadata name = 'Global'
metadata description = 'What an environment has once: database, registry, images, Front Door without its routes (see edge/), and the logs of these.'

import { estateType, globalNames, regionOf, tagsOf } from '../naming.bicep'
import { cosmosRoles, peopleOn, roles } from '../modules/roles.bicep'
import { firewallType } from 'front-door.bicep'
import { throughputType } from 'database.bicep'

@description('Required. What all templates of the environment agree on.')
param estate estateType

@description('Required. Sizes of what is global.')
param sizes sizesType

@description('Optional. The firewall\'s rules; the defaults are what production runs.')
param firewall firewallType = {}

@description('Required. Mail addresses that are told of alerts.')
@minLength(1)
param alertAddresses string[]

@description('Optional. Object id of the Entra group, with the pipeline\'s identity in it, that pushes the app\'s image and puts the certificate into the vault; nobody by default.')
param deployersId string = ''

@description('Optional. Object id of the Entra group of operators, who discard dead letters; nobody by default.')
param operatorsId string = ''

var names = globalNames(estate, subscription().subscriptionId)
var tags = tagsOf(estate, 'global')
var home = estate.regions[0]
var shared = loadJsonContent('../resources.json')

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: names.group
  location: home
  tags: tags
}

module workspace '../modules/workspace.bicep' = {
  scope: group
  params: {
    name: names.workspace
    location: home
    tags: tags
    retentionDays: sizes.logRetentionDays
    dailyQuotaGb: sizes.logDailyQuotaGb
  }
}

module database 'database.bicep' = {
  scope: group
  params: {
    name: names.database
    location: home
    tags: tags
    regions: map(estate.regions, region => regionOf(region).display)
    throughput: sizes.throughput
    workspaceId: workspace.outputs.id
  }
}

// Discarding a dead letter tells its sender so.
module databaseAccess '../modules/database-access.bicep' = if (!empty(operatorsId)) {
  scope: group
  params: {
    account: names.database
    grants: [
      {
        who: 'operators'
        principalId: operatorsId
        role: cosmosRoles.dataContributor
        scope: '/dbs/${shared.cosmos.database}/colls/outcomes'
      }
    ]
  }
  dependsOn: [database]
}

module registry 'registry.bicep' = {
  scope: group
  params: {
    name: names.registry
    location: home
    tags: tags
    replicas: skip(estate.regions, 1)
    deployersId: deployersId
    workspaceId: workspace.outputs.id
  }
}

module images '../modules/storage.bicep' = {
  scope: group
  params: {
    name: names.images
    location: home
    tags: tags
    sku: 'Standard_RAGZRS'
    containers: [shared.storage.websiteContainer, shared.storage.imageUploadContainer]
    website: true
    versioning: true
    trustAzureServices: false
    softDeleteDays: 14
    lifecycle: [
      { name: 'uploads-go', prefixes: ['${shared.storage.imageUploadContainer}/'], deleteAfterDays: sizes.uploadDays }
    ]
    workspaceId: workspace.outputs.id
  }
}

// Front Door asks for a page there to know whether images can be had; a deployment puts it there once.
module imagesAccess '../modules/blob-access.bicep' = {
  scope: group
  params: {
    account: names.images
    grants: peopleOn(shared.storage.websiteContainer, deployersId, 'deployers', roles.blobDataContributor)
  }
  dependsOn: [images]
}

module frontDoor 'front-door.bicep' = {
  scope: group
  params: {
    profile: names.profile
    endpoint: names.endpoint
    firewallName: names.firewall
    vaultName: names.vault
    location: home
    tags: tags
    firewall: firewall
    deployersId: deployersId
    workspaceId: workspace.outputs.id
  }
}

module alerts 'alerts.bicep' = {
  scope: group
  params: {
    name: names.actionGroup
    tags: tags
    addresses: alertAddresses
  }
}

@description('The database\'s endpoint: setting COSMOS_ENDPOINT.')
output databaseEndpoint string = database.outputs.endpoint

@description('Blob endpoint of the images: setting IMAGES__blobServiceUri.')
output imagesEndpoint string = images.outputs.blobEndpoint

@description('Front Door\'s own id, which it sends in X-Azure-FDID: setting FRONT_DOOR_ID.')
output frontDoorId string = frontDoor.outputs.id

@description('Public host name that Front Door gave.')
output frontDoorHost string = frontDoor.outputs.host

@description('Where images of the app are pushed and pulled.')
output registryEndpoint string = registry.outputs.endpoint

@description('Id of the action group.')
output actionGroupId string = alerts.outputs.id

@description('How much of everything.')
type sizesType = {
  @description('Required. Highest request units a second of each container, in each region.')
  throughput: throughputType

  @description('Required. Days that logs stay searchable.')
  @minValue(30)
  @maxValue(730)
  logRetentionDays: int

  @description('Required. GB of logs a day, after which ingestion stops; -1 for no limit.')
  logDailyQuotaGb: int

  @description('Required. Days until an uploaded image is removed from where it was staged. It must outlive the longest delay of the processor: the hub\'s retention.')
  @minValue(8)
  uploadDays: int
}
