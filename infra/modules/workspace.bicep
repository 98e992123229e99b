metadata name = 'Workspace'
metadata description = 'Log Analytics workspace that admits Entra identities only and logs who asks it.'

import { tagsType } from '../naming.bicep'
import { toWorkspace } from 'diagnostics.bicep'

@description('Required. Its name.')
param name string

@description('Required. Its region.')
param location string

@description('Required. Its tags.')
param tags tagsType

@description('Required. Days that logs stay searchable.')
@minValue(30)
@maxValue(730)
param retentionDays int

@description('Required. GB a day after which ingestion stops until the next day; -1 for no limit. A bound against a runaway logger, not a budget.')
param dailyQuotaGb int

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: retentionDays
    workspaceCapping: { dailyQuotaGb: dailyQuotaGb }
    features: { disableLocalAuth: true, enableLogAccessUsingOnlyResourcePermissions: true }
    publicNetworkAccessForIngestion: 'Enabled'
    publicNetworkAccessForQuery: 'Enabled'
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: workspace
  name: 'to-workspace'
  properties: toWorkspace(workspace.id)
}

@description('Id of the workspace.')
output id string = workspace.id
