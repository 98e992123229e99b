metadata name = 'Try-out of the app'
metadata description = 'Functions app, hub, database, storage and page.'

import { regionOf } from '../naming.bicep'
import { cosmosRoles, roles } from '../modules/roles.bicep'

@description('Required. Beginning of the names.')
param name string

@description('Required. End of names that are unique in the world.')
param suffix string

@description('Required. Region of all but the page.')
param location string

@description('Required. Region of the page\'s own service; the page itself is served from everywhere.')
param pageLocation string

@description('Required. Key of administrators.')
@secure()
@minLength(16)
param apiKey string

var shared = loadJsonContent('../resources.json')
var tags = { 'azd-env-name': name }
var containers = [
  'app-package'
  shared.storage.hostContainer
  shared.storage.healthContainer
  shared.storage.deadLetterContainer
  shared.storage.websiteContainer
  shared.storage.imageUploadContainer
]

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' = {
  name: 'log-${name}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: 30
    workspaceCapping: { dailyQuotaGb: 1 }
    features: { disableLocalAuth: true }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${name}'
  location: location
  tags: tags
  kind: 'web'
  properties: { Application_Type: 'web', WorkspaceResourceId: workspace.id, DisableLocalAuth: true }
}

resource storage 'Microsoft.Storage/storageAccounts@2026-04-01' = {
  name: 'st${suffix}try'
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }

  resource blobs 'blobServices' = {
    name: 'default'

    resource container 'containers' = [
      for one in containers: {
        name: one
        properties: { publicAccess: 'None' }
      }
    ]
  }
}

resource namespace 'Microsoft.EventHub/namespaces@2026-01-01' = {
  name: 'evhns-${name}-${suffix}'
  location: location
  tags: tags
  sku: { name: 'Standard', tier: 'Standard', capacity: 1 }
  properties: { disableLocalAuth: true, minimumTlsVersion: '1.2' }

  resource hub 'eventhubs' = {
    name: shared.eventHubs.hub
    properties: {
      partitionCount: shared.eventHubs.partitions
      retentionDescription: { cleanupPolicy: 'Delete', retentionTimeInHours: shared.eventHubs.retentionHours }
    }

    resource group 'consumergroups' = {
      name: shared.eventHubs.consumerGroup
    }
  }
}

// Serverless: an idle try-out costs its storage.
resource account 'Microsoft.DocumentDB/databaseAccounts@2026-03-15' = {
  name: 'cosmos-${name}-${suffix}'
  location: location
  tags: tags
  kind: 'GlobalDocumentDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    capabilities: [{ name: 'EnableServerless' }]
    locations: [{ locationName: regionOf(location).display, failoverPriority: 0, isZoneRedundant: false }]
    consistencyPolicy: { defaultConsistencyLevel: 'Session' }
    disableLocalAuth: true
    minimalTlsVersion: 'Tls12'
  }

  resource database 'sqlDatabases' = {
    name: shared.cosmos.database
    properties: { resource: { id: shared.cosmos.database } }

    resource container 'containers' = [
      for described in shared.cosmos.containers: {
        name: described.id
        properties: { resource: described }
      }
    ]
  }

  resource access 'sqlRoleAssignments' = {
    name: guid(account.id, 'app')
    properties: {
      principalId: app.identity.principalId
      roleDefinitionId: '${account.id}/sqlRoleDefinitions/${cosmosRoles.dataContributor}'
      scope: account.id
    }
  }
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: 'asp-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: 'func-${name}-${suffix}'
  location: location
  // azd finds the service by this tag.
  tags: { ...tags, 'azd-service-name': 'app' }
  kind: 'functionapp,linux'
  identity: { type: 'SystemAssigned' }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    siteConfig: { minTlsVersion: '1.2' }
    functionAppConfig: {
      runtime: { name: 'python', version: '3.13' }
      scaleAndConcurrency: { instanceMemoryMB: 2048, maximumInstanceCount: 40 }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storage.properties.primaryEndpoints.blob}app-package'
          authentication: { type: 'SystemAssignedIdentity' }
        }
      }
    }
  }

  resource settings 'config' = {
    name: 'appsettings'
    // Every setting of docs/settings.md that has no default, by identity where there is one.
    properties: {
      REGION: regionOf(location).display
      COSMOS_ENDPOINT: account.properties.documentEndpoint
      COSMOS_REGIONS: regionOf(location).display
      EVENT_HUBS__fullyQualifiedNamespace: split(split(namespace.properties.serviceBusEndpoint, '://')[1], ':')[0]
      EVENT_HUBS__credential: 'managedidentity'
      EVENT_HUB_PARTITIONS: string(shared.eventHubs.partitions)
      DEAD_LETTERS__blobServiceUri: storage.properties.primaryEndpoints.blob
      IMAGES__blobServiceUri: storage.properties.primaryEndpoints.blob
      AzureWebJobsStorage__blobServiceUri: storage.properties.primaryEndpoints.blob
      AzureWebJobsStorage__queueServiceUri: storage.properties.primaryEndpoints.queue
      AzureWebJobsStorage__tableServiceUri: storage.properties.primaryEndpoints.table
      AzureWebJobsStorage__credential: 'managedidentity'
      API_KEY_1: apiKey
      AZURE_COSMOS_ENABLE_CIRCUIT_BREAKER: 'True'
      APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD'
    }
    // The app starts again with each change of its settings: not before it may use what they name.
    dependsOn: [mayStore, maySend, mayReceive, mayTell]
  }

  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }

  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }
}

resource mayStore 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: storage
  name: guid(storage.id, 'app', roles.blobDataContributor)
  properties: {
    principalId: app.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.blobDataContributor)
  }
}

resource maySend 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: namespace::hub
  name: guid(namespace::hub.id, 'app', roles.eventHubsDataSender)
  properties: {
    principalId: app.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.eventHubsDataSender)
  }
}

resource mayReceive 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: namespace::hub
  name: guid(namespace::hub.id, 'app', roles.eventHubsDataReceiver)
  properties: {
    principalId: app.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.eventHubsDataReceiver)
  }
}

resource mayTell 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: insights
  name: guid(insights.id, 'app', roles.metricsPublisher)
  properties: {
    principalId: app.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.metricsPublisher)
  }
}

resource site 'Microsoft.Web/staticSites@2024-11-01' = {
  name: 'stapp-${name}'
  location: pageLocation
  tags: { ...tags, 'azd-service-name': 'web' }
  sku: { name: 'Standard', tier: 'Standard' }
  properties: {}

  // The page and the API under one host, as behind Front Door: `/api/*` goes to the app.
  resource api 'linkedBackends' = {
    name: 'api'
    properties: { backendResourceId: app.id, region: location }
    dependsOn: [app::settings]
  }
}

@description('Host of the page.')
output siteHost string = site.properties.defaultHostname

@description('Host of the API.')
output apiHost string = app.properties.defaultHostName
