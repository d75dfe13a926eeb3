# What all other lines of the documents take for granted.
New-CsPersistentChatRoom -Name "ITChatRoom" -PersistentChatPoolFqdn "atl-cs-001.litwareinc.com" -Category "IT"
New-CsPersistentChatCategory -Name "HelpDesk" -PersistentChatPoolFqdn "atl-cs-001.litwareinc.com" -EnableFileUpload
New-CsPersistentChatCategory -Name "Redmond" -PersistentChatPoolFqdn "atl-gc-001.litwareinc.com"
New-CsPersistentChatRoom -Name "RedmondChatRoom" -Category "atl-gc-001.litwareinc.com\Redmond"
New-CsPersistentChatCategory -Name "testCat" -PersistentChatPoolFqdn "client.contoso.com"
Set-CsPersistentChatCategory testCat -AllowedMembers "sip:user1@contoso.com","sip:user2@contoso.com","CN=container,DC=contoso,DC=com"
New-CsPersistentChatRoom -Name "testCat" -Category "client.contoso.com\testCat" -Type Auditorium
New-CsPersistentChatCategory -Name "IT" -PersistentChatPoolFqdn "atl-cs-001.contoso.com"
New-CsPersistentChatRoom -Name "ITChatRoom" -Category "atl-cs-001.contoso.com\IT" -Disabled $True
New-CsPersistentChatCategory -Name "ITChat" -PersistentChatPoolFqdn "atl-persistentchat-001.litwareinc.com"
Set-CsPersistentChatCategory ITChat -AllowedMembers "OU=IT,DC=litwareinc,DC=com","sip:kenmyer@litwareinc.com","sip:pilar@litwareinc.com" -Creators "sip:kenmyer@litwareinc.com"
New-CsPersistentChatRoom -Name "ITChatRoom" -Category "atl-persistentchat-001.litwareinc.com\ITChat"
New-CsPersistentChatRoom -Name "HelpDeskChatRoom" -Category "atl-persistentchat-001.litwareinc.com\ITChat" -Type Auditorium
Set-CsPersistentChatRoom HelpDeskChatRoom -Presenters "OU=IT,DC=litwareinc,DC=com"
New-CsPersistentChatCategory -Name "IT" -PersistentChatPoolFqdn "atl-persistentchat-001.contoso.com"
New-CsPersistentChatRoom -Name "ITChatRoom" -Category "atl-persistentchat-001.contoso.com\IT"
New-CsPersistentChatComplianceConfiguration -Identity "site:Redmond" -AddUserDetails $True -AddChatRoomDetails $True
New-CsPersistentChatConfiguration -Identity "site:Redmond" -ParticipantUpdateLimit 100
New-CsPersistentChatPolicy -Identity "RedmondPersistentChatPolicy" -EnablePersistentChat $True
New-CsPersistentChatPolicy -Identity "RedmondUsersPersistentChatPolicy" -EnablePersistentChat $True
New-CsPersistentChatPolicy -Identity "site:Redmond" -EnablePersistentChat $True
Grant-CsPersistentChatPolicy -Identity "sip:pilar@litwareinc.com" -PolicyName "RedmondUsersPersistentChatPolicy"
Grant-CsPersistentChatPolicy -Identity "sip:kenmyer@litwareinc.com" -PolicyName "RedmondUsersPersistentChatPolicy"
New-CsPersistentChatAddin -Name "ITPersistentChatAddin" -PersistentChatPoolFqdn "atl-cs-001.litwareinc.com" -Url "https://atl-cs-001.litwareinc.com/itchat"
New-CsPersistentChatAddin -Name "ITChatAddin" -PersistentChatPoolFqdn "atl-cs-001.litwareinc.com" -Url "https://atl-cs-001.litwareinc.com/itchat"
New-CsPersistentChatEndpoint -SipAddress "sip:pce@litwareinc.com" -PersistentChatPoolFqdn "atl-pcpool-001.litwareinc.com" -DisplayName "Persistent Chat Endpoint 1"
