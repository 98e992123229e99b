using '../../stamp/main.bicep'

var shared = loadJsonContent('estate.json')

param estate = shared.estate
param location = 'westeurope'
param sizes = shared.stamp
param standBy = shared.standBy
param certificate = shared.edge.certificate
param deployersId = shared.people.deployers
param operatorsId = shared.people.operators
