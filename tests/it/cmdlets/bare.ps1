# What the lines of the documents that make something take for granted.
New-CsPersistentChatCategory -Name "IT" -PersistentChatPoolFqdn "atl-cs-001.litwareinc.com"
New-CsPersistentChatCategory -Name "Foo" -PersistentChatPoolFqdn "client.contoso.com"
