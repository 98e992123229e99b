using '../../global/main.bicep'

var shared = loadJsonContent('estate.json')

param estate = shared.estate
param sizes = shared.global
param alertAddresses = shared.people.alertAddresses
param deployersId = shared.people.deployers
param operatorsId = shared.people.operators
