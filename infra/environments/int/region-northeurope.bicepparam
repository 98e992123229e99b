using '../../region/main.bicep'

var shared = loadJsonContent('estate.json')

param estate = shared.estate
param location = 'northeurope'
param sizes = shared.region
