metadata name = 'Diagnostics'
metadata description = 'Where logs and metrics of a resource go.'

@export()
@description('Properties of a diagnostic setting: every log and metric into one workspace, in tables of the resource\'s own.')
func toWorkspace(workspaceId string) resourceInput<'Microsoft.Insights/diagnosticSettings@2021-05-01-preview'>.properties => {
  workspaceId: workspaceId
  logAnalyticsDestinationType: 'Dedicated'
  logs: [{ categoryGroup: 'allLogs', enabled: true }]
  metrics: [{ category: 'AllMetrics', enabled: true }]
}
