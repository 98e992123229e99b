metadata name = 'Firewall'
metadata description = 'What the firewalls of both ways in have in common, so that nothing gets past one that the other stops.'

@export()
@description('Members of JSON bodies that hold people\'s own words. They are not searched for attacks: nothing of them reaches a shell, a query\'s text or a page\'s markup.')
var freeTexts = ['text', 'authorName', 'name', 'description']

@export()
@description('Managed rules that are off: 911100 refuses PUT and DELETE, which are the API\'s, and 920420 the content types of images, which are uploaded as they are. The API refuses what it does not expect.')
var rulesOff = [
  { group: 'METHOD-ENFORCEMENT', rule: '911100' }
  { group: 'PROTOCOL-ENFORCEMENT', rule: '920420' }
]

@export()
@description('Version of Microsoft_DefaultRuleSet.')
var defaultRuleSet = '2.1'

@export()
@description('Version of Microsoft_BotManagerRuleSet.')
var botRuleSet = '1.0'
