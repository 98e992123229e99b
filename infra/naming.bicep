metadata name = 'Naming'
metadata description = 'Names, tags and regions of the whole estate. One template can name what another one makes, without asking it.'

@export()
@description('What all templates of one environment agree on.')
type estateType = {
  @description('Required. Short name of the system, part of every name.')
  @minLength(2)
  @maxLength(7)
  workload: string

  @description('Required. Which of the environments this is.')
  environment: 'dev' | 'e2e' | 'int' | 'prod'

  @description('Required. Regions of the environment. The first one holds what is global; the order staggers maintenance, so only append.')
  @minLength(1)
  @maxLength(7)
  regions: string[]

  @description('Required. Domain of the environment: clients come to it, and each stamp\'s gateway has a name below it.')
  domain: string

  @description('Required. Who answers for the environment; a tag on everything.')
  owner: string
}

@export()
@description('Regions by their name in Azure. `code` is short enough for storage accounts, `display` is what Cosmos DB and the app call them.')
var regionTable = {
  eastus2: { code: 'eus2', display: 'East US 2', paired: 'centralus' }
  centralus: { code: 'cus', display: 'Central US', paired: 'eastus2' }
  francecentral: { code: 'frc', display: 'France Central', paired: 'francesouth' }
  germanywestcentral: { code: 'gwc', display: 'Germany West Central', paired: 'germanynorth' }
  northeurope: { code: 'neu', display: 'North Europe', paired: 'westeurope' }
  norwayeast: { code: 'nwe', display: 'Norway East', paired: 'norwaywest' }
  swedencentral: { code: 'sdc', display: 'Sweden Central', paired: 'swedensouth' }
  uksouth: { code: 'uks', display: 'UK South', paired: 'ukwest' }
  westeurope: { code: 'weu', display: 'West Europe', paired: 'northeurope' }
}

@description('What is known of one region.')
type regionType = {
  @description('Required. Three or four letters.')
  code: string

  @description('Required. Its name for people, Cosmos DB and the app.')
  display: string

  @description('Required. Where its geo-redundant storage is copied to.')
  paired: string
}

@export()
@description('A region\'s entry, or an error that says where to add it.')
func regionOf(region string) regionType =>
  regionTable[?region] ?? fail('Region ${region} is not in regionTable of infra/naming.bicep; add it there.')

@export()
@description('Tags: names and values.')
type tagsType = {
  @description('Optional. Value of the tag of this name.')
  *: string
}

@export()
@description('Tags of every resource of one lifetime: "global", or "region" or "stamp" of a region.')
func tagsOf(estate estateType, lifetime string) tagsType => {
  workload: estate.workload
  environment: estate.environment
  lifetime: lifetime
  owner: estate.owner
}

@export()
@description('Names of what exists once in an environment.')
type globalNamesType = {
  @description('Required. Resource group.')
  group: string

  @description('Required. Log Analytics workspace.')
  workspace: string

  @description('Required. Front Door profile.')
  profile: string

  @description('Required. Front Door endpoint; part of its public address.')
  endpoint: string

  @description('Required. Web application firewall policy; letters and digits only.')
  firewall: string

  @description('Required. Cosmos DB account.')
  database: string

  @description('Required. Container registry.')
  registry: string

  @description('Required. Storage account of the images.')
  images: string

  @description('Required. Key vault of the public name\'s certificate.')
  vault: string

  @description('Required. Action group.')
  actionGroup: string

  @description('Required. Traffic Manager profile in front of Front Door and its stand-by.')
  traffic: string
}

@export()
@description('Names of what exists once in an environment.')
func globalNames(estate estateType, subscriptionId string) globalNamesType => {
  group: 'rg-${estate.workload}-${estate.environment}-global'
  workspace: 'log-${estate.workload}-${estate.environment}-global'
  profile: 'afd-${estate.workload}-${estate.environment}'
  endpoint: '${estate.workload}-${estate.environment}-${suffix(estate, subscriptionId)}'
  firewall: 'waf${estate.workload}${estate.environment}'
  database: 'cosmos-${estate.workload}-${estate.environment}-${suffix(estate, subscriptionId)}'
  registry: 'cr${estate.workload}${estate.environment}${suffix(estate, subscriptionId)}'
  images: 'stimg${estate.workload}${estate.environment}${suffix(estate, subscriptionId)}'
  vault: 'kv-${estate.workload}-${estate.environment}-${suffix(estate, subscriptionId)}'
  actionGroup: 'ag-${estate.workload}-${estate.environment}'
  traffic: 'tm-${estate.workload}-${estate.environment}-${suffix(estate, subscriptionId)}'
}

@export()
@description('Names of what a region keeps when its stamp goes.')
type regionNamesType = {
  @description('Required. Resource group.')
  group: string

  @description('Required. Log Analytics workspace.')
  workspace: string

  @description('Required. Application Insights.')
  insights: string

  @description('Required. Azure Monitor workspace, for Prometheus metrics.')
  metrics: string

  @description('Required. Storage account of the dead letters.')
  letters: string

  @description('Required. Storage account of captured events and exported logs.')
  archive: string
}

@export()
@description('Names of what a region keeps when its stamp goes.')
func regionNames(estate estateType, subscriptionId string, region string) regionNamesType => {
  group: 'rg-${estate.workload}-${estate.environment}-${region}'
  workspace: 'log-${estate.workload}-${estate.environment}-${region}'
  insights: 'appi-${estate.workload}-${estate.environment}-${region}'
  metrics: 'amw-${estate.workload}-${estate.environment}-${region}'
  letters: 'stdl${estate.workload}${estate.environment}${regionOf(region).code}${suffix(estate, subscriptionId)}'
  archive: 'star${estate.workload}${estate.environment}${regionOf(region).code}${suffix(estate, subscriptionId)}'
}

@export()
@description('Names of one stamp.')
type stampNamesType = {
  @description('Required. Resource group.')
  group: string

  @description('Required. Resource group that AKS makes for nodes, load balancer and private link service.')
  nodeGroup: string

  @description('Required. Virtual network.')
  network: string

  @description('Required. AKS cluster.')
  cluster: string

  @description('Required. Event Hubs namespace; lower case, for it becomes part of checkpoint paths.')
  events: string

  @description('Required. Storage account of site, checkpoints and switch.')
  storage: string

  @description('Required. Key vault.')
  vault: string

  @description('Required. Private link service before the gateway; AKS makes it, by annotation of the Gateway.')
  privateLink: string

  @description('Required. Host name of the stamp\'s gateway, which its certificate must carry.')
  gatewayHost: string

  @description('Required. Public name of the stand-by way in.')
  standBy: string

  @description('Required. Beginning of the names of the stamp\'s identities.')
  identity: string

  @description('Required. End of all other names.')
  suffix: string
}

@export()
@description('Names of one stamp.')
func stampNames(estate estateType, subscriptionId string, region string) stampNamesType => {
  group: 'rg-${estate.workload}-${estate.environment}-stamp-${region}'
  nodeGroup: 'rg-${estate.workload}-${estate.environment}-stamp-${region}-nodes'
  network: 'vnet-${estate.workload}-${estate.environment}-${region}'
  cluster: 'aks-${estate.workload}-${estate.environment}-${region}'
  events: 'evhns-${estate.workload}-${estate.environment}-${regionOf(region).code}-${suffix(estate, subscriptionId)}'
  storage: 'st${estate.workload}${estate.environment}${regionOf(region).code}${suffix(estate, subscriptionId)}'
  vault: 'kv-${estate.workload}-${estate.environment}-${regionOf(region).code}-${take(suffix(estate, subscriptionId), 3)}'
  privateLink: 'pls-gateway-${region}'
  gatewayHost: '${region}.stamps.${estate.domain}'
  standBy: '${estate.workload}-${estate.environment}-${regionOf(region).code}-${suffix(estate, subscriptionId)}'
  identity: 'id-${estate.workload}-${estate.environment}-${region}'
  suffix: '${estate.workload}-${estate.environment}-${region}'
}

@description('What makes a name unique in the world, and the same at every deployment of one subscription.')
func suffix(estate estateType, subscriptionId string) string =>
  take(uniqueString(subscriptionId, estate.workload, estate.environment), 5)
