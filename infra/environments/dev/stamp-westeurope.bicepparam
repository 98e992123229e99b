using '../../stamp/main.bicep'

var shared = loadJsonContent('estate.json')

param estate = shared.estate
param location = 'westeurope'
param sizes = shared.stamp
param fallback = shared.fallback
param deployersId = shared.people.deployers
param operatorsId = shared.people.operators
