# What the lines of the documents name, so that each of them finds it.
New-CsPersistentChatCategory -Name "IT" -PersistentChatPoolFqdn "atl-cs-001.litwareinc.com"
New-CsPersistentChatRoom -Name "HelpDeskChatRoom" -PersistentChatPoolFqdn "atl-cs-001.litwareinc.com" -Category "IT"
