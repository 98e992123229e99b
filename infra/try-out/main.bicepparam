using 'main.bicep'

param name = readEnvironmentVariable('AZURE_ENV_NAME', 'try-out')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param pageLocation = readEnvironmentVariable('CATALOG_PAGE_LOCATION', 'westeurope')
param apiKey = readEnvironmentVariable('API_KEY_1', '')
