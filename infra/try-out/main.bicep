targetScope = 'subscription'

metadata name = 'Try-out'
metadata description = 'The catalogue in one region, from a laptop, for a few days: `azd up`. One Functions app is API and processor. Without keys, as everywhere, but also without private networks, zones and Front Door. It shares code and data shapes with the environments, and no template.'

@description('Required. Name of the azd environment; part of every name.')
@minLength(1)
@maxLength(16)
param name string

@description('Required. Region, by its name in Azure.')
param location string

@description('Required. Region of the page\'s own service, which is in few: eastasia, eastus2, centralus, westeurope, westus2.')
param pageLocation string

@description('Optional. Key of administrators, 16 characters or more; without one nobody is an administrator.')
@secure()
param apiKey string = ''

@description('Optional. What stands for the key when none is given; leave it.')
@secure()
param nobodysKey string = newGuid()

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: 'rg-${name}'
  location: location
  tags: { 'azd-env-name': name }
}

module app 'app.bicep' = {
  scope: group
  params: {
    name: name
    suffix: take(uniqueString(subscription().subscriptionId, name, location), 6)
    location: location
    pageLocation: pageLocation
    apiKey: empty(apiKey) ? nobodysKey : apiKey
  }
}

@description('Where the page is.')
output CATALOG_URL string = 'https://${app.outputs.siteHost}'

@description('Where the API is; it takes requests from the page\'s host only.')
output CATALOG_API_HOST string = app.outputs.apiHost
