using '../../edge/main.bicep'

var shared = loadJsonContent('estate.json')

param estate = shared.estate
param stamps = map(shared.estate.regions, region => { region: region, weight: 50 })
param certificate = shared.edge.certificate
param path = shared.edge.path
