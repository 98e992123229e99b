using '../../region/main.bicep'

var shared = loadJsonContent('estate.json')

param estate = shared.estate
param location = 'westeurope'
param sizes = shared.region
