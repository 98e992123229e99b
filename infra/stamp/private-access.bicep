metadata name = 'Private access'
metadata description = 'The stamp\'s own private endpoints to everything it uses, and the zones that make their names resolve to them inside its network only.'

import { tagsType } from '../naming.bicep'

@description('Required. End of the names.')
param suffix string

@description('Required. Region of the endpoints; zones have none.')
param location string

@description('Required. Tags of all.')
param tags tagsType

@description('Required. Name of the network that gets them.')
param networkName string

@description('Required. Its id.')
param networkId string

@description('Required. What is reached.')
param targets targetType[]

var zones = {
  Sql: 'privatelink.documents.azure.com'
  // environment() has no value before a deployment runs, and a name must have one.
  #disable-next-line no-hardcoded-env-urls
  blob: 'privatelink.blob.core.windows.net'
  namespace: 'privatelink.servicebus.windows.net'
  registry: 'privatelink.azurecr.io'
  vault: 'privatelink.vaultcore.azure.net'
  #disable-next-line no-hardcoded-env-urls
  web: 'privatelink.web.core.windows.net'
}
// Only zones that something is in.
var zoneList = filter(items(zones), zone => contains(map(targets, target => target.kind), zone.key))

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for one in zoneList: {
    name: one.value
    // DNS zones live everywhere.
    location: 'global'
    tags: tags
  }
]

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (one, index) in zoneList: {
    parent: zone[index]
    name: 'to-${suffix}'
    location: 'global'
    tags: tags
    properties: { registrationEnabled: false, resolutionPolicy: 'Default', virtualNetwork: { id: networkId } }
  }
]

resource endpoint 'Microsoft.Network/privateEndpoints@2025-01-01' = [
  for target in targets: {
    name: 'pep-${suffix}-${target.name}'
    location: location
    tags: tags
    properties: {
      subnet: { id: resourceId('Microsoft.Network/virtualNetworks/subnets', networkName, 'endpoints') }
      customNetworkInterfaceName: 'nic-${suffix}-${target.name}'
      privateLinkServiceConnections: [
        {
          name: target.name
          properties: {
            #disable-next-line use-resource-id-functions // the parameter's items are ids
            privateLinkServiceId: target.id
            groupIds: [target.kind]
          }
        }
      ]
    }
  }
]

resource zoneGroup 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-01-01' = [
  for (target, index) in targets: {
    parent: endpoint[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: target.kind
          properties: { privateDnsZoneId: resourceId('Microsoft.Network/privateDnsZones', zones[target.kind]) }
        }
      ]
    }
    // Named by id, for a loop cannot be indexed by kind.
    dependsOn: [zone]
  }
]

@export()
@description('Something that the stamp reaches privately.')
type targetType = {
  @description('Required. Our name for it.')
  name: string

  @description('Required. Its resource id.')
  id: string

  @description('Required. Its kind, as Private Link calls it (the group id).')
  kind: 'Sql' | 'blob' | 'namespace' | 'registry' | 'vault' | 'web'
}
