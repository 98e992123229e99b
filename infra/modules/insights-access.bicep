metadata name = 'Insights access'
metadata description = 'Lets identities send telemetry to Application Insights, which takes no key.'

import { grantType } from 'roles.bicep'

@description('Required. Name of Application Insights.')
param insights string

@description('Required. Who may send.')
param grants grantType[]

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insights
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for grant in grants: {
    scope: component
    name: guid(component.id, grant.who, grant.role)
    properties: {
      principalId: grant.principalId
      principalType: grant.?principalType ?? 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', grant.role)
    }
  }
]
