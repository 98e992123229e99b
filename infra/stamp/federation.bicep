metadata name = 'Federation'
metadata description = 'Lets pods of certain service accounts be an identity, without any secret.'

@description('Required. Beginning of the identities\' names.')
param prefix string

@description('Required. Issuer of the cluster\'s tokens.')
param issuer string

@description('Required. Which service account is which program.')
param accounts accountType[]

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = [
  for account in accounts: {
    name: '${prefix}-${account.program}'
  }
]

resource credential 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2024-11-30' = [
  for (account, index) in accounts: {
    parent: identity[index]
    name: account.program
    properties: {
      issuer: issuer
      subject: 'system:serviceaccount:${account.namespace}:${account.account}'
      audiences: ['api://AzureADTokenExchange']
    }
  }
]

@export()
@description('A service account and the program that it runs.')
type accountType = {
  @description('Required. The program: its identity\'s last name.')
  program: string

  @description('Required. Kubernetes namespace.')
  namespace: string

  @description('Required. Service account.')
  account: string
}
