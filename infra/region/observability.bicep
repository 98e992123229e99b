metadata name = 'Observability'
metadata description = 'Application Insights, the workspace of Prometheus metrics, and the export of logs that must outlive the workspace.'

import { tagsType } from '../naming.bicep'

@description('Required. Name of Application Insights.')
param insights string

@description('Required. Name of the Azure Monitor workspace.')
param metrics string

@description('Required. Name of the Log Analytics workspace that Application Insights stands on.')
param workspace string

@description('Required. Its id.')
param workspaceId string

@description('Required. Id of the storage account that exported logs go to.')
param archiveId string

@description('Required. Region of all.')
param location string

@description('Required. Tags of all.')
param tags tagsType

resource logs 'Microsoft.OperationalInsights/workspaces@2025-02-01' existing = {
  name: workspace
}

// No diagnostic setting: the component writes into this workspace by itself, and one would write everything twice.
resource component 'Microsoft.Insights/components@2020-02-02' = {
  name: insights
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspaceId
    IngestionMode: 'LogAnalytics'
    DisableLocalAuth: true
    // Addresses of clients are personal, and nobody needs them here.
    DisableIpMasking: false
    publicNetworkAccessForIngestion: 'Enabled'
    publicNetworkAccessForQuery: 'Enabled'
  }
}

resource prometheus 'Microsoft.Monitor/accounts@2023-04-03' = {
  name: metrics
  location: location
  tags: tags
  properties: { publicNetworkAccess: 'Enabled' }
}

resource export 'Microsoft.OperationalInsights/workspaces/dataExports@2025-02-01' = {
  parent: logs
  name: 'to-archive'
  properties: {
    enable: true
    destination: { resourceId: archiveId }
    tableNames: ['AppExceptions', 'AppRequests', 'AppTraces', 'AKSAudit', 'AZKVAuditLogs']
  }
}

@description('Id of Application Insights.')
output insightsId string = component.id

@description('Id of the Azure Monitor workspace.')
output metricsId string = prometheus.id
