metadata name = 'Roles'
metadata description = 'The built-in roles that we assign, and no others: a name here, its id in Azure.'

@export()
@description('Ids of built-in roles, alike in every tenant.')
var roles = {
  acrPull: '7f951dda-4ed3-4680-a7ca-43fe172d538d'
  acrPush: '8311e382-0749-4cb8-b61a-304f252e45ec'
  blobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  blobDataReader: '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
  clusterUser: '4abbcc35-e782-43d8-92c5-2d3f1bd2253f'
  clusterRbacAdmin: 'b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b'
  clusterRbacReader: '7f6c6a51-bcf8-42ba-9220-52d62157d7db'
  eventHubsDataReceiver: 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde'
  eventHubsDataSender: '2b629674-e913-4c01-ae53-ef4638d8f975'
  keyVaultCertificatesOfficer: 'a4417e6f-fecd-4de8-b567-7b0420556985'
  keyVaultSecretsOfficer: 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
  keyVaultSecretsUser: '4633458b-17de-408a-b874-0445c86b69e6'
  managedIdentityOperator: 'f1a07417-d97a-45cb-824c-7a7467783830'
  metricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
  networkContributor: '4d97b98b-1d4f-4787-a291-c67834d212e7'
}

@export()
@description('Data-plane roles that every Cosmos DB account brings.')
var cosmosRoles = {
  dataReader: '00000000-0000-0000-0000-000000000001'
  dataContributor: '00000000-0000-0000-0000-000000000002'
}

@export()
@description('Who gets a role.')
type grantType = {
  @description('Required. The identity\'s or group\'s name; makes the assignment\'s own name, so it must not change.')
  who: string

  @description('Required. Object id of the identity or group.')
  principalId: string

  @description('Required. Id of the role.')
  role: string

  @description('Optional. Kind of principal; our identities are service principals, which is the default.')
  principalType: ('Group' | 'ServicePrincipal')?
}

@export()
@description('Who gets a role on one container of a storage account.')
type containerGrantType = {
  @description('Required. The container.')
  container: string

  @description('Required. The identity\'s or group\'s name; makes the assignment\'s own name, so it must not change.')
  who: string

  @description('Required. Object id of the identity or group.')
  principalId: string

  @description('Required. Id of the role.')
  role: string

  @description('Optional. Kind of principal; our identities are service principals, which is the default.')
  principalType: ('Group' | 'ServicePrincipal')?
}

@export()
@description('A role on a container for one of our programs.')
func onContainer(container string, who string, principalId string, role string) containerGrantType => {
  container: container
  who: who
  principalId: principalId
  role: role
}

@export()
@description('A role on a container for people; none when nobody is named.')
func peopleOn(container string, principalId string, who string, role string) containerGrantType[] =>
  empty(principalId)
    ? []
    : [{ container: container, who: who, principalId: principalId, role: role, principalType: 'Group' }]

@export()
@description('A role for people; none when nobody is named.')
func people(principalId string, who string, role string) grantType[] =>
  empty(principalId) ? [] : [{ who: who, principalId: principalId, role: role, principalType: 'Group' }]
