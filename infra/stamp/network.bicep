metadata name = 'Network'
metadata description = 'The stamp\'s own network: nodes, private endpoints, the gateway\'s private link, agents and the stand-by way in, each subnet with rules of its own.'

import { tagsType } from '../naming.bicep'
import { toWorkspace } from '../modules/diagnostics.bicep'

@description('Required. Name of the network.')
param name string

@description('Required. End of the names of the rest.')
param suffix string

@description('Required. Its region.')
param location string

@description('Required. Its tags.')
param tags tagsType

@description('Required. Addresses of the network, a /16.')
param addressSpace string

@description('Required. Addresses of pods, outside the network.')
param podAddresses string

@description('Required. Whether clients may come past Front Door.')
param standBy 'none' | 'closed' | 'open'

@description('Required. Workspace that gets the logs.')
param workspaceId string

var nodes = cidrSubnet(addressSpace, 20, 0)
var endpoints = cidrSubnet(addressSpace, 24, 16)
var gateway = cidrSubnet(addressSpace, 24, 17)
var agents = cidrSubnet(addressSpace, 24, 18)
var standByRange = cidrSubnet(addressSpace, 24, 19)

var denyTheRest = {
  name: 'deny-the-rest'
  properties: {
    priority: 4096
    direction: 'Inbound'
    access: 'Deny'
    protocol: '*'
    sourceAddressPrefix: '*'
    sourcePortRange: '*'
    destinationAddressPrefix: '*'
    destinationPortRange: '*'
  }
}

@description('A rule that lets traffic in.')
func allow(name string, priority int, from string, ports string[]) resourceInput<'Microsoft.Network/networkSecurityGroups@2025-01-01'>.properties.securityRules[*] => {
  name: name
  properties: {
    priority: priority
    direction: 'Inbound'
    access: 'Allow'
    protocol: from == 'AzureLoadBalancer' ? '*' : 'Tcp'
    sourceAddressPrefix: from
    sourcePortRange: '*'
    destinationAddressPrefix: '*'
    destinationPortRanges: ports
  }
}

@description('A rule that lets everything of one range in.')
func allowAll(name string, priority int, from string) resourceInput<'Microsoft.Network/networkSecurityGroups@2025-01-01'>.properties.securityRules[*] => {
  name: name
  properties: {
    priority: priority
    direction: 'Inbound'
    access: 'Allow'
    protocol: '*'
    sourceAddressPrefix: from
    sourcePortRange: '*'
    destinationAddressPrefix: '*'
    destinationPortRange: '*'
  }
}

var toNodes = [
  allowAll('nodes', 100, nodes)
  allowAll('pods', 110, podAddresses)
  allow('gateway', 120, gateway, ['443'])
  ...(standBy == 'none' ? [] : [allow('stand-by', 130, standByRange, ['443'])])
  allow('agents', 140, agents, ['443'])
  allow('load-balancer', 150, 'AzureLoadBalancer', ['0-65535'])
  denyTheRest
]

// 5671: AMQP of Event Hubs. Cosmos DB's ports of its direct mode are missing: the Python client does not use it.
var toEndpoints = [
  allow('nodes', 100, nodes, ['443', '5671'])
  allow('agents', 110, agents, ['443', '5671'])
  ...(standBy == 'none' ? [] : [allow('stand-by', 120, standByRange, ['443'])])
  denyTheRest
]

var toGateway = [
  allow('load-balancer', 100, 'AzureLoadBalancer', ['0-65535'])
  allow('private-link', 110, gateway, ['443'])
  ...(standBy == 'none' ? [] : [allow('stand-by', 120, standByRange, ['443'])])
  denyTheRest
]

var toStandBy = [
  // What Azure needs to run an Application Gateway; without it the gateway fails.
  allow('gateway-manager', 100, 'GatewayManager', ['65200-65535'])
  allow('load-balancer', 110, 'AzureLoadBalancer', ['0-65535'])
  ...(standBy == 'open' ? [allow('clients', 120, 'Internet', ['443'])] : [])
  denyTheRest
]

var subnets = [
  { name: 'nodes', range: nodes, rules: toNodes }
  { name: 'endpoints', range: endpoints, rules: toEndpoints }
  { name: 'gateway', range: gateway, rules: toGateway }
  { name: 'agents', range: agents, rules: [denyTheRest] }
  ...(standBy == 'none' ? [] : [{ name: 'stand-by', range: standByRange, rules: toStandBy }])
]

resource rules 'Microsoft.Network/networkSecurityGroups@2025-01-01' = [
  for subnet in subnets: {
    name: 'nsg-${suffix}-${subnet.name}'
    location: location
    tags: tags
    properties: { securityRules: subnet.rules }
  }
]

resource network 'Microsoft.Network/virtualNetworks@2025-01-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressSpace] }
    // Subnets inside the network: as resources of their own, a repeated deployment would first remove them.
    subnets: [
      for (subnet, index) in subnets: {
        name: subnet.name
        properties: {
          addressPrefix: subnet.range
          networkSecurityGroup: { id: rules[index].id }
          defaultOutboundAccess: false
          privateEndpointNetworkPolicies: 'NetworkSecurityGroupEnabled'
          // The gateway's private link service takes its addresses from its subnet, which it must allow.
          privateLinkServiceNetworkPolicies: subnet.name == 'gateway' ? 'Disabled' : 'Enabled'
        }
      }
    ]
  }
}

resource networkDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: network
  name: 'to-workspace'
  properties: toWorkspace(workspaceId)
}

resource rulesDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = [
  for (subnet, index) in subnets: {
    scope: rules[index]
    name: 'to-workspace'
    properties: {
      workspaceId: workspaceId
      logs: toWorkspace(workspaceId).logs
    }
  }
]

@description('Id of the network.')
output id string = network.id

@description('Subnet of the gateway.')
output gatewaySubnet string = subnets[2].name

@description('Address that the internal gateway listens on; its Gateway must ask for it.')
output gatewayAddress string = cidrHost(gateway, 9)
