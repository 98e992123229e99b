metadata name = 'Alerts'
metadata description = 'Whom alerts of the environment reach.'

import { tagsType } from '../naming.bicep'

@description('Required. Name of the action group.')
param name string

@description('Required. Its tags.')
param tags tagsType

@description('Required. Mail addresses.')
@minLength(1)
param addresses string[]

resource group 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: name
  // The service's own location, whatever the environment's regions.
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'catalog'
    enabled: true
    emailReceivers: [
      for (address, index) in addresses: {
        name: 'mail-${index}'
        emailAddress: address
        useCommonAlertSchema: true
      }
    ]
  }
}

@description('Id of the action group.')
output id string = group.id
