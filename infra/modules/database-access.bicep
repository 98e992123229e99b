metadata name = 'Database access'
metadata description = 'Data-plane roles on the Cosmos DB account or on single containers of it.'

@description('Required. Name of the account.')
param account string

@description('Required. Who gets which role, and where.')
param grants dataGrantType[]

resource database 'Microsoft.DocumentDB/databaseAccounts@2026-03-15' existing = {
  name: account
}

resource assignment 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2026-03-15' = [
  for grant in grants: {
    parent: database
    name: guid(database.id, grant.scope, grant.who, grant.role)
    properties: {
      principalId: grant.principalId
      roleDefinitionId: '${database.id}/sqlRoleDefinitions/${grant.role}'
      scope: '${database.id}${grant.scope}'
    }
  }
]

@export()
@description('Who gets a data-plane role.')
type dataGrantType = {
  @description('Required. The identity\'s or group\'s name; makes the assignment\'s own name, so it must not change.')
  who: string

  @description('Required. Object id of the identity or group.')
  principalId: string

  @description('Required. Id of the role.')
  role: string

  @description('Required. Part of the account: /dbs/NAME or /dbs/NAME/colls/NAME.')
  scope: string
}
