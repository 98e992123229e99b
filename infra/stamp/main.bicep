targetScope = 'subscription'

metadata name = 'Stamp'
metadata description = 'One region of the catalogue: network, cluster, hub, site, vault, and what its programs may do. Everything here can be deleted and made anew.'

import { estateType, globalNames, regionNames, regionOf, stampNames, tagsOf } from '../naming.bicep'
import { cosmosRoles, onContainer, people, peopleOn, roles } from '../modules/roles.bicep'
import { clusterSizesType } from 'cluster.bicep'
import { throughputUnitsType } from 'events.bicep'

@description('Required. What all templates of the environment agree on.')
param estate estateType

@description('Required. The stamp\'s region, by its name in Azure.')
param location string

@description('Required. Sizes of the stamp.')
param sizes sizesType

@description('Optional. Way in past Front Door: none; closed, which is there and lets nobody in; or open. See docs/decisions/0007.')
param standBy 'none' | 'closed' | 'open' = 'none'

@description('Optional. Name in the stamp\'s vault of the certificate of the environment\'s domain; needed for the way past Front Door.')
param certificate string = ''

@description('Optional. Bring back the vault of an earlier stamp of this name, deleted less than 90 days ago; off by default, for it fails where there is none.')
param recoverVault bool = false

@description('Optional. Object id of the Entra group, with the pipeline\'s identity in it, that deploys the app, the site and the secrets; nobody by default.')
param deployersId string = ''

@description('Optional. Object id of the Entra group of operators, who replay dead letters and take the stamp out of rotation; nobody by default.')
param operatorsId string = ''

var subscriptionId = subscription().subscriptionId
var names = stampNames(estate, subscriptionId, location)
var world = globalNames(estate, subscriptionId)
var region = regionNames(estate, subscriptionId, location)
var tags = tagsOf(estate, 'stamp')
var shared = loadJsonContent('../resources.json')
var position = indexOf(estate.regions, location)

// Networks never meet, but people compare their addresses: one /16 each.
var addressSpace = cidrSubnet('10.0.0.0/8', 16, 10 + position)
var podAddresses = '192.168.0.0/16'

// One region a day, its nodes four days later. Up to three regions never share a day at all, up to seven never that of
// their clusters.
var days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']

// The host's checkpoints and its locks. Its keys are in neither: each container makes its own.
var hostContainers = [shared.storage.hostContainer, 'azure-webjobs-hosts']

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: names.group
  location: location
  tags: tags
}

resource globalGroup 'Microsoft.Resources/resourceGroups@2024-11-01' existing = {
  name: world.group
}

resource regionGroup 'Microsoft.Resources/resourceGroups@2024-11-01' existing = {
  name: region.group
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' existing = {
  scope: regionGroup
  name: region.workspace
}

resource metrics 'Microsoft.Monitor/accounts@2023-04-03' existing = {
  scope: regionGroup
  name: region.metrics
}

resource letters 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  scope: regionGroup
  name: region.letters
}

resource archive 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  scope: regionGroup
  name: region.archive
}

resource images 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  scope: globalGroup
  name: world.images
}

resource database 'Microsoft.DocumentDB/databaseAccounts@2026-03-15' existing = {
  scope: globalGroup
  name: world.database
}

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' existing = {
  scope: globalGroup
  name: world.registry
}

resource edgeVault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  scope: globalGroup
  name: world.vault
}

resource frontDoor 'Microsoft.Cdn/profiles@2025-12-01' existing = {
  scope: globalGroup
  name: world.profile
}

module network 'network.bicep' = {
  scope: group
  params: {
    name: names.network
    suffix: names.suffix
    location: location
    tags: tags
    addressSpace: addressSpace
    podAddresses: podAddresses
    standBy: standBy
    workspaceId: workspace.id
  }
}

module identities 'identities.bicep' = {
  scope: group
  params: {
    prefix: names.identity
    location: location
    tags: tags
  }
}

module cluster 'cluster.bicep' = {
  scope: group
  params: {
    name: names.cluster
    location: location
    tags: tags
    nodeGroup: names.nodeGroup
    sizes: sizes.cluster
    networkName: names.network
    networkId: network.outputs.id
    podAddresses: podAddresses
    clusterIdentityId: identities.outputs.cluster.id
    clusterPrincipalId: identities.outputs.cluster.principalId
    kubeletIdentityName: '${names.identity}-kubelet'
    kubeletClientId: identities.outputs.kubelet.clientId
    kubeletPrincipalId: identities.outputs.kubelet.principalId
    maintenanceDay: days[position]
    nodeImageDay: days[(position + 4) % 7]
    deployersId: deployersId
    operatorsId: operatorsId
    workspaceId: workspace.id
    metricsId: metrics.id
  }
}

module federation 'federation.bicep' = {
  scope: group
  params: {
    prefix: names.identity
    issuer: cluster.outputs.issuer
    accounts: [
      { program: 'api', namespace: 'catalog', account: 'api' }
      { program: 'processor', namespace: 'catalog', account: 'processor' }
      // The add-on's operator asks for its tokens itself, whatever it scales.
      { program: 'keda', namespace: 'kube-system', account: 'keda-operator' }
    ]
  }
}

module events 'events.bicep' = {
  scope: group
  params: {
    name: names.events
    location: location
    tags: tags
    throughputUnits: sizes.throughputUnits
    captureIdentityId: identities.outputs.capture.id
    captureAccountId: archive.id
    grants: [
      { who: 'api', principalId: identities.outputs.api.principalId, role: roles.eventHubsDataSender }
      { who: 'processor', principalId: identities.outputs.processor.principalId, role: roles.eventHubsDataReceiver }
      { who: 'keda', principalId: identities.outputs.keda.principalId, role: roles.eventHubsDataReceiver }
      // They send parked events again.
      ...people(operatorsId, 'operators', roles.eventHubsDataSender)
    ]
    workspaceId: workspace.id
  }
  // Capture tries its destination when it is switched on.
  dependsOn: [archiveAccess]
}

module storage '../modules/storage.bicep' = {
  scope: group
  params: {
    name: names.storage
    location: location
    tags: tags
    sku: 'Standard_ZRS'
    containers: [...hostContainers, shared.storage.healthContainer, shared.storage.websiteContainer]
    website: true
    versioning: false
    trustAzureServices: false
    softDeleteDays: 7
    lifecycle: []
    workspaceId: workspace.id
  }
}

module vault 'vault.bicep' = {
  scope: group
  params: {
    name: names.vault
    location: location
    tags: tags
    grants: [
      { who: 'api', principalId: identities.outputs.api.principalId, role: roles.keyVaultSecretsUser }
      ...people(deployersId, 'deployers', roles.keyVaultSecretsOfficer)
      ...people(deployersId, 'deployers', roles.keyVaultCertificatesOfficer)
    ]
    recover: recoverVault
    workspaceId: workspace.id
  }
}

module privateAccess 'private-access.bicep' = {
  scope: group
  params: {
    suffix: names.suffix
    location: location
    tags: tags
    networkName: names.network
    networkId: network.outputs.id
    targets: [
      { name: 'database', id: database.id, kind: 'Sql' }
      { name: 'registry', id: registry.id, kind: 'registry' }
      { name: 'images', id: images.id, kind: 'blob' }
      { name: 'letters', id: letters.id, kind: 'blob' }
      { name: 'storage', id: storage.outputs.id, kind: 'blob' }
      { name: 'events', id: events.outputs.id, kind: 'namespace' }
      { name: 'vault', id: vault.outputs.id, kind: 'vault' }
      // Deployers put Front Door's certificate there, and it has no other way in.
      { name: 'edge-vault', id: edgeVault.id, kind: 'vault' }
      // Clients who come past Front Door need the site and the images too.
      ...(standBy == 'none'
        ? []
        : [
            { name: 'site', id: storage.outputs.id, kind: 'web' }
            { name: 'images-site', id: images.id, kind: 'web' }
          ])
    ]
  }
}

// What each program may do with blobs of its own stamp …
module storageAccess '../modules/blob-access.bicep' = {
  scope: group
  params: {
    account: names.storage
    grants: [
      // The host's leases; the API's processes share what one of them read of the queue there too.
      onContainer('azure-webjobs-hosts', 'api', identities.outputs.api.principalId, roles.blobDataContributor)
      onContainer(
        'azure-webjobs-hosts',
        'processor',
        identities.outputs.processor.principalId,
        roles.blobDataContributor
      )
      // Health: how far the processor is, and whether an operator closed the stamp.
      onContainer(shared.storage.hostContainer, 'api', identities.outputs.api.principalId, roles.blobDataReader)
      onContainer(shared.storage.healthContainer, 'api', identities.outputs.api.principalId, roles.blobDataReader)
      onContainer(
        shared.storage.hostContainer,
        'processor',
        identities.outputs.processor.principalId,
        roles.blobDataContributor
      )
      onContainer(shared.storage.hostContainer, 'keda', identities.outputs.keda.principalId, roles.blobDataReader)
      // They publish the site.
      ...peopleOn(shared.storage.websiteContainer, deployersId, 'deployers', roles.blobDataContributor)
      // They take the stamp out, and mend checkpoints.
      ...peopleOn(shared.storage.healthContainer, operatorsId, 'operators', roles.blobDataContributor)
      ...peopleOn(shared.storage.hostContainer, operatorsId, 'operators', roles.blobDataContributor)
    ]
  }
  dependsOn: [storage]
}

// … of its region …
module lettersAccess '../modules/blob-access.bicep' = {
  scope: regionGroup
  params: {
    account: region.letters
    grants: [
      onContainer(
        shared.storage.deadLetterContainer,
        'processor',
        identities.outputs.processor.principalId,
        roles.blobDataContributor
      )
      // Health counts them.
      onContainer(shared.storage.deadLetterContainer, 'api', identities.outputs.api.principalId, roles.blobDataReader)
      ...peopleOn(shared.storage.deadLetterContainer, operatorsId, 'operators', roles.blobDataContributor)
    ]
  }
}

module archiveAccess '../modules/blob-access.bicep' = {
  scope: regionGroup
  params: {
    account: region.archive
    grants: [onContainer('capture', 'capture', identities.outputs.capture.principalId, roles.blobDataContributor)]
  }
}

// … and of the world: names begin with the region, for other stamps have grants there too.
module imagesAccess '../modules/blob-access.bicep' = {
  scope: globalGroup
  params: {
    account: world.images
    grants: [
      onContainer(
        shared.storage.imageUploadContainer,
        '${location}-api',
        identities.outputs.api.principalId,
        roles.blobDataContributor
      )
      onContainer(
        shared.storage.imageUploadContainer,
        '${location}-processor',
        identities.outputs.processor.principalId,
        roles.blobDataReader
      )
      onContainer(
        shared.storage.websiteContainer,
        '${location}-processor',
        identities.outputs.processor.principalId,
        roles.blobDataContributor
      )
    ]
  }
}

module databaseAccess '../modules/database-access.bicep' = {
  scope: globalGroup
  params: {
    account: world.database
    grants: [
      {
        who: '${location}-api'
        principalId: identities.outputs.api.principalId
        role: cosmosRoles.dataReader
        scope: '/dbs/${shared.cosmos.database}'
      }
      // Health writes a heartbeat, to know that this region can write.
      {
        who: '${location}-api'
        principalId: identities.outputs.api.principalId
        role: cosmosRoles.dataContributor
        scope: '/dbs/${shared.cosmos.database}/colls/activity'
      }
      {
        who: '${location}-processor'
        principalId: identities.outputs.processor.principalId
        role: cosmosRoles.dataContributor
        scope: '/dbs/${shared.cosmos.database}'
      }
    ]
  }
}

module registryAccess '../modules/registry-access.bicep' = {
  scope: globalGroup
  params: {
    registry: world.registry
    who: '${location}-kubelet'
    principalId: identities.outputs.kubelet.principalId
  }
}

module insightsAccess '../modules/insights-access.bicep' = {
  scope: regionGroup
  params: {
    insights: region.insights
    grants: [
      { who: 'api', principalId: identities.outputs.api.principalId, role: roles.metricsPublisher }
      { who: 'processor', principalId: identities.outputs.processor.principalId, role: roles.metricsPublisher }
    ]
  }
}

module standByWay 'stand-by.bicep' = if (standBy != 'none') {
  scope: group
  params: {
    prefix: names.identity
    suffix: names.suffix
    publicName: names.standBy
    location: location
    tags: tags
    open: standBy == 'open'
    networkName: names.network
    vaultName: names.vault
    certificate: certificate
    gatewayAddress: network.outputs.gatewayAddress
    gatewayHost: names.gatewayHost
    siteHost: split(storage.outputs.webEndpoint, '/')[2]
    imagesHost: split(images.properties.primaryEndpoints.web, '/')[2]
    frontDoorId: frontDoor.properties.frontDoorId
    workspaceId: workspace.id
  }
  dependsOn: [privateAccess, vault]
}

@description('Name of the cluster.')
output cluster string = names.cluster

@description('Resource group of the stamp.')
output resourceGroup string = names.group

// Outputs by the names that infra/kubernetes/overlays/*/stamp.yaml gives them; the image alone is missing.
@description('Region as the app knows it.')
output region string = regionOf(location).display

@description('Regions of the database, the stamp\'s own first.')
output cosmosRegions string = join(
  map([location, ...filter(estate.regions, other => other != location)], each => regionOf(each).display),
  ','
)

@description('The database\'s endpoint.')
output cosmosEndpoint string = database.properties.documentEndpoint

@description('Host name of the hub\'s namespace.')
output eventHubsHost string = events.outputs.host

@description('Blob host of the stamp\'s account.')
output stampBlobHost string = split(storage.outputs.blobEndpoint, '/')[2]

@description('Blob host of the dead letters.')
output regionBlobHost string = split(letters.properties.primaryEndpoints.blob, '/')[2]

@description('Blob host of the images.')
output globalBlobHost string = split(images.properties.primaryEndpoints.blob, '/')[2]

@description('What Front Door sends in X-Azure-FDID.')
output frontDoorId string = frontDoor.properties.frontDoorId

@description('Client id of the API\'s identity.')
output apiClientId string = identities.outputs.api.clientId

@description('Client id of the processor\'s identity.')
output processorClientId string = identities.outputs.processor.clientId

@description('Client id of the identity of KEDA\'s operator.')
output kedaClientId string = identities.outputs.keda.clientId

@description('The Entra tenant.')
output tenantId string = tenant().tenantId

@description('Name of the stamp\'s vault.')
output keyVault string = names.vault

@description('Host name of the gateway\'s listener.')
output originHost string = names.gatewayHost

@description('Name of the gateway\'s private link service.')
output privateLinkService string = names.privateLink

@description('Resource group that AKS makes it in.')
output privateLinkResourceGroup string = names.nodeGroup

@description('Subnet that it takes its addresses from.')
output privateLinkSubnet string = network.outputs.gatewaySubnet

@description('Address that the gateway\'s load balancer asks for, in the same subnet.')
output gatewayAddress string = network.outputs.gatewayAddress

@description('How much of everything.')
type sizesType = {
  @description('Required. Kubernetes and its nodes.')
  cluster: clusterSizesType

  @description('Required. Throughput units of the hub\'s namespace.')
  throughputUnits: throughputUnitsType
}
