metadata name = 'Cluster'
metadata description = 'AKS: private, over three zones, with workload identity, KEDA, Key Vault, policy, and a gateway by the application routing add-on.'

import { tagsType } from '../naming.bicep'
import { toWorkspace } from '../modules/diagnostics.bicep'
import { roles } from '../modules/roles.bicep'

@description('Required. Name of the cluster.')
param name string

@description('Required. Its region.')
param location string

@description('Required. Its tags.')
param tags tagsType

@description('Required. Resource group that AKS makes for nodes and load balancers.')
param nodeGroup string

@description('Required. Sizes.')
param sizes clusterSizesType

@description('Required. Name of the network, in the same resource group.')
param networkName string

@description('Required. Id of the network.')
param networkId string

@description('Required. Addresses of pods, outside the network.')
param podAddresses string

@description('Required. Id of the identity of the control plane.')
param clusterIdentityId string

@description('Required. Object id of the same.')
param clusterPrincipalId string

@description('Required. Name of the identity of the nodes.')
param kubeletIdentityName string

@description('Required. Client id of the same.')
param kubeletClientId string

@description('Required. Object id of the same.')
param kubeletPrincipalId string

@description('Required. Day of the week on which the cluster is upgraded. No two regions share one.')
param maintenanceDay weekdayType

@description('Required. Day of the week on which nodes get a new image.')
param nodeImageDay weekdayType

@description('Required. Object id of who deploys into it; empty for nobody.')
param deployersId string

@description('Required. Object id of the group that may look into it; empty for nobody.')
param operatorsId string

@description('Required. Workspace that gets the logs.')
param workspaceId string

@description('Required. Workspace that gets the metrics.')
param metricsId string

var zones = ['1', '2', '3']

// Pods that nobody can evict must not stop a node's upgrade for ever.
var nodeUpgrades = { maxSurge: '33%', drainTimeoutInMinutes: 30, nodeSoakDurationInMinutes: 5 }

resource network 'Microsoft.Network/virtualNetworks@2025-01-01' existing = {
  name: networkName
}

resource kubelet 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: kubeletIdentityName
}

resource joinNetwork 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: network
  name: guid(network.id, name, roles.networkContributor)
  properties: {
    principalId: clusterPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.networkContributor)
  }
}

resource giveIdentity 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: kubelet
  name: guid(kubelet.id, name, roles.managedIdentityOperator)
  properties: {
    principalId: clusterPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.managedIdentityOperator)
  }
}

resource cluster 'Microsoft.ContainerService/managedClusters@2026-05-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Base', tier: 'Standard' }
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${clusterIdentityId}': {} } }
  properties: {
    kubernetesVersion: sizes.kubernetesVersion
    dnsPrefix: name
    nodeResourceGroup: nodeGroup
    // Not read-only: the gateway's private link service is in there, and somebody must approve Front Door's connection to it.
    nodeResourceGroupProfile: { restrictionLevel: 'Unrestricted' }
    enableRBAC: true
    disableLocalAccounts: true
    aadProfile: { managed: true, enableAzureRBAC: true, tenantID: tenant().tenantId }
    identityProfile: {
      kubeletidentity: { resourceId: kubelet.id, clientId: kubeletClientId, objectId: kubeletPrincipalId }
    }
    apiServerAccessProfile: {
      enablePrivateCluster: true
      enablePrivateClusterPublicFQDN: false
      privateDNSZone: 'system'
      // Pipelines come this way, with an Entra token; no agent inside the network is needed for it.
      disableRunCommand: false
    }
    agentPoolProfiles: [
      {
        ...nodes(sizes.systemNodes, networkId, zones, nodeUpgrades)
        name: 'system'
        mode: 'System'
        nodeTaints: ['CriticalAddonsOnly=true:NoSchedule']
      }
      {
        ...nodes(sizes.workNodes, networkId, zones, nodeUpgrades)
        name: 'work'
        mode: 'User'
      }
    ]
    autoScalerProfile: {
      'balance-similar-node-groups': 'true'
      expander: 'least-waste'
      'scale-down-unneeded-time': '10m'
    }
    networkProfile: {
      networkPlugin: 'azure'
      networkPluginMode: 'overlay'
      networkDataplane: 'cilium'
      networkPolicy: 'cilium'
      podCidr: podAddresses
      serviceCidr: '172.16.0.0/16'
      dnsServiceIP: '172.16.0.10'
      loadBalancerSku: 'standard'
      outboundType: 'loadBalancer'
      // The private link service before the gateway works with addresses of nodes, not with their configurations' ids.
      loadBalancerProfile: { backendPoolType: 'nodeIPConfiguration', managedOutboundIPs: { count: 2 } }
    }
    ingressProfile: {
      gatewayAPI: { installation: 'Standard' }
      webAppRouting: {
        enabled: true
        nginx: { defaultIngressControllerType: 'None' }
        gatewayAPIImplementations: { appRoutingIstio: { mode: 'Enabled' } }
      }
    }
    oidcIssuerProfile: { enabled: true }
    securityProfile: {
      workloadIdentity: { enabled: true }
      imageCleaner: { enabled: true, intervalHours: 168 }
    }
    workloadAutoScalerProfile: { keda: { enabled: true } }
    addonProfiles: {
      azureKeyvaultSecretsProvider: {
        enabled: true
        config: { enableSecretRotation: 'true', rotationPollInterval: '2m' }
      }
      azurepolicy: { enabled: true }
      omsagent: {
        enabled: true
        config: { logAnalyticsWorkspaceResourceID: workspaceId, useAADAuth: 'true' }
      }
    }
    azureMonitorProfile: { metrics: { enabled: true } }
    autoUpgradeProfile: { upgradeChannel: 'patch', nodeOSUpgradeChannel: 'NodeImage' }
    storageProfile: {
      diskCSIDriver: { enabled: false }
      fileCSIDriver: { enabled: false }
      snapshotController: { enabled: false }
    }
  }
  dependsOn: [joinNetwork, giveIdentity]
}

resource clusterUpgrades 'Microsoft.ContainerService/managedClusters/maintenanceConfigurations@2026-05-01' = {
  parent: cluster
  name: 'aksManagedAutoUpgradeSchedule'
  properties: { maintenanceWindow: window(maintenanceDay) }
}

resource nodeImages 'Microsoft.ContainerService/managedClusters/maintenanceConfigurations@2026-05-01' = {
  parent: cluster
  name: 'aksManagedNodeOSUpgradeSchedule'
  properties: { maintenanceWindow: window(nodeImageDay) }
}

// Pods are held to the "restricted" standard, but for what AKS itself makes, the gateway's proxies included. The labels of
// the namespaces say the same to Kubernetes.
resource restricted 'Microsoft.Authorization/policyAssignments@2025-03-01' = {
  name: 'pods-restricted'
  properties: {
    displayName: 'Pods keep to the restricted standard'
    policyDefinitionId: tenantResourceId(
      'Microsoft.Authorization/policySetDefinitions',
      '42b8ef37-b724-4e24-bbc8-7a7708edfe00'
    )
    parameters: {
      effect: { value: 'Deny' }
      excludedNamespaces: {
        value: ['kube-system', 'gatekeeper-system', 'aks-istio-system', 'app-routing-system', 'catalog-gateway']
      }
    }
  }
}

resource logRule 'Microsoft.Insights/dataCollectionRules@2023-03-11' = {
  name: 'dcr-logs-${name}'
  location: location
  tags: tags
  kind: 'Linux'
  properties: {
    dataSources: {
      extensions: [
        {
          name: 'ContainerInsightsExtension'
          extensionName: 'ContainerInsights'
          streams: ['Microsoft-ContainerLogV2', 'Microsoft-KubeEvents', 'Microsoft-KubePodInventory']
          extensionSettings: {
            dataCollectionSettings: {
              interval: '1m'
              namespaceFilteringMode: 'Exclude'
              namespaces: ['kube-system', 'gatekeeper-system']
              enableContainerLogV2: true
            }
          }
        }
      ]
    }
    destinations: { logAnalytics: [{ name: 'region', workspaceResourceId: workspaceId }] }
    dataFlows: [
      {
        streams: ['Microsoft-ContainerLogV2', 'Microsoft-KubeEvents', 'Microsoft-KubePodInventory']
        destinations: ['region']
      }
    ]
  }
}

resource logs 'Microsoft.Insights/dataCollectionRuleAssociations@2023-03-11' = {
  scope: cluster
  name: 'ContainerInsightsExtension'
  properties: { dataCollectionRuleId: logRule.id }
}

resource metricEndpoint 'Microsoft.Insights/dataCollectionEndpoints@2023-03-11' = {
  name: 'dce-${name}'
  location: location
  tags: tags
  kind: 'Linux'
  properties: { networkAcls: { publicNetworkAccess: 'Enabled' } }
}

resource metricRule 'Microsoft.Insights/dataCollectionRules@2023-03-11' = {
  name: 'dcr-metrics-${name}'
  location: location
  tags: tags
  kind: 'Linux'
  properties: {
    dataCollectionEndpointId: metricEndpoint.id
    dataSources: { prometheusForwarder: [{ name: 'prometheus', streams: ['Microsoft-PrometheusMetrics'] }] }
    destinations: { monitoringAccounts: [{ name: 'region', accountResourceId: metricsId }] }
    dataFlows: [{ streams: ['Microsoft-PrometheusMetrics'], destinations: ['region'] }]
  }
}

resource metrics 'Microsoft.Insights/dataCollectionRuleAssociations@2023-03-11' = {
  scope: cluster
  name: 'prometheus'
  properties: { dataCollectionRuleId: metricRule.id }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: cluster
  name: 'to-workspace'
  properties: toWorkspace(workspaceId)
}

resource deployersEnter 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(deployersId)) {
  scope: cluster
  name: guid(cluster.id, 'deployers', roles.clusterUser)
  properties: {
    principalId: deployersId
    principalType: 'Group'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.clusterUser)
  }
}

resource deployersDeploy 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(deployersId)) {
  scope: cluster
  name: guid(cluster.id, 'deployers', roles.clusterRbacAdmin)
  properties: {
    principalId: deployersId
    principalType: 'Group'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.clusterRbacAdmin)
  }
}

resource operatorsEnter 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(operatorsId)) {
  scope: cluster
  name: guid(cluster.id, 'operators', roles.clusterUser)
  properties: {
    principalId: operatorsId
    principalType: 'Group'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.clusterUser)
  }
}

resource operatorsLook 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(operatorsId)) {
  scope: cluster
  name: guid(cluster.id, 'operators', roles.clusterRbacReader)
  properties: {
    principalId: operatorsId
    principalType: 'Group'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.clusterRbacReader)
  }
}

@description('Issuer of the cluster\'s tokens.')
output issuer string = cluster.properties.oidcIssuerProfile.issuerURL

@description('Id of the cluster.')
output id string = cluster.id

@description('What all node pools have in common.')
func nodes(size nodesType, networkId string, zones string[], upgrades upgradesType) resourceInput<'Microsoft.ContainerService/managedClusters@2026-05-01'>.properties.agentPoolProfiles[*] => {
  name: 'replaced'
  vmSize: size.vmSize
  count: size.fewest
  minCount: size.fewest
  maxCount: size.most
  enableAutoScaling: true
  availabilityZones: zones
  osType: 'Linux'
  osSKU: 'AzureLinux3'
  osDiskType: 'Ephemeral'
  osDiskSizeGB: 64
  enableEncryptionAtHost: true
  enableNodePublicIP: false
  maxPods: 110
  vnetSubnetID: '${networkId}/subnets/nodes'
  upgradeSettings: upgrades
}

@description('Four hours of one night a week.')
func window(day weekdayType) resourceInput<'Microsoft.ContainerService/managedClusters/maintenanceConfigurations@2026-05-01'>.properties.maintenanceWindow => {
  schedule: { weekly: { dayOfWeek: day, intervalWeeks: 1 } }
  startTime: '01:00'
  utcOffset: '+00:00'
  durationHours: 4
}

@description('How a node pool is upgraded.')
type upgradesType = {
  @description('Required. Nodes that are added meanwhile.')
  maxSurge: string

  @description('Required. The longest that a node waits for its pods to go.')
  drainTimeoutInMinutes: int

  @description('Required. Pause after each node.')
  nodeSoakDurationInMinutes: int
}

@export()
@description('A day of the week.')
type weekdayType = 'Monday' | 'Tuesday' | 'Wednesday' | 'Thursday' | 'Friday' | 'Saturday' | 'Sunday'

@export()
@description('Size of a node pool.')
type nodesType = {
  @description('Required. Size of its machines.')
  vmSize: string

  @description('Required. Fewest nodes; three or more put one into each zone.')
  @minValue(1)
  fewest: int

  @description('Required. Most nodes.')
  @minValue(1)
  most: int
}

@export()
@description('Size of a cluster.')
type clusterSizesType = {
  @description('Required. Kubernetes version, minor only: patches come by themselves.')
  kubernetesVersion: string

  @description('Required. Nodes of what runs the cluster.')
  systemNodes: nodesType

  @description('Required. Nodes of what runs the catalogue.')
  workNodes: nodesType
}
