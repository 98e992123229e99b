using '../../region/main.bicep'

var shared = loadJsonContent('estate.json')

param estate = shared.estate
param location = 'swedencentral'
param sizes = shared.region
