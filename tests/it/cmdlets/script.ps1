# Categories: made, bounded, changed, removed.
Import-Module SkypeForBusiness
New-CsPersistentChatCategory -Name "Support" -PersistentChatPoolFqdn "atl-cs-001.litwareinc.com" -EnableFileUpload
New-CsPersistentChatCategory -Name "Trading" -PersistentChatPoolFqdn "atl-cs-001.litwareinc.com" -Description "the trading floor"
New-CsPersistentChatCategory -Name "Scratch" -RemoveChatHistory
Set-CsPersistentChatCategory -Identity "atl-cs-001.litwareinc.com\Support" -Description "all about IT" -Invitations $True
Set-CsPersistentChatCategory -Identity Support -AllowedMembers @{Add="OU=IT,DC=litwareinc,DC=com","sip:pilar@litwareinc.com"}
Set-CsPersistentChatCategory -Identity Support -DeniedMembers @{Add="sip:eve@litwareinc.com"} -Creators @{Add="sip:kenmyer@litwareinc.com"}
Set-CsPersistentChatCategory -Identity Trading -AllowedMembers "sip:pilar@litwareinc.com" -FileUpload $True
Get-CsPersistentChatCategory | Where-Object {$_.FileUpload -eq $True} | Set-CsPersistentChatCategory -FileUpload $False -WhatIf
Get-CsPersistentChatCategory | Where-Object {$_.Creators -contains "sip:kenmyer@litwareinc.com"}
Get-CsPersistentChatCategory -Identity "atl-cs-001.litwareinc.com\Trading" -AsObject
Set-CsPersistentChatCategory Scratch -Name "Scratch 2"
# Add-ins and rooms.
New-CsPersistentChatAddin -Name "Quotes" -Url "https://atl-cs-001.litwareinc.com/quotes"
Set-CsPersistentChatAddin -Identity "atl-cs-001.litwareinc.com\Quotes" -Url "https://atl-cs-001.litwareinc.com/prices"
New-CsPersistentChatRoom -Name "Help" -Category "Support"
New-CsPersistentChatRoom -Name "Announcements" -Category "Support" -Type Auditorium -Privacy Open -Invitations False
New-CsPersistentChatRoom -Name "FX" -Category "Trading" -Privacy Secret -Addin "Quotes" -Description "USD/JPY and others"
New-CsPersistentChatRoom -Name "Temporary" -Category "Scratch 2" -Disabled $True
Set-CsPersistentChatRoom -Identity "atl-cs-001.litwareinc.com\Help" -Members @{Add="sip:kenmyer@litwareinc.com","sip:pilar@litwareinc.com"}
Set-CsPersistentChatRoom -Identity "atl-cs-001.litwareinc.com\Help" -Members @{Remove="sip:pilar@litwareinc.com"} -Managers @{Add="sip:pilar@litwareinc.com"}
Set-CsPersistentChatRoom -Identity Announcements -Presenters "sip:kenmyer@litwareinc.com"
Set-CsPersistentChatRoom -Identity FX -Members "sip:pilar@litwareinc.com"
Set-CsPersistentChatRoom -Identity FX -Category Support
Set-CsPersistentChatRoom -Identity FX -Category Trading -Name "FX desk"
Get-CsPersistentChatRoom -Filter {Name -like "FX*"} | Set-CsPersistentChatRoom -Disabled $True
Get-CsPersistentChatRoom -Disabled $True -Category Trading | Set-CsPersistentChatRoom -Disabled $False
Get-CsPersistentChatRoom -Member "sip:kenmyer@litwareinc.com" -Privacy Closed
Get-CsPersistentChatRoom -Type Auditorium -ResultSize 10
# Who may use it.
Get-CsPersistentChatPolicy
New-CsPersistentChatPolicy -Identity "Traders" -EnablePersistentChat $True -Description "the trading floor"
New-CsPersistentChatPolicy -Identity "site:Redmond" -EnablePersistentChat $False
Set-CsPersistentChatPolicy -EnablePersistentChat $False -Description "nobody, unless granted"
Grant-CsPersistentChatPolicy -Identity "Ken Myer" -PolicyName "Traders"
Grant-CsPersistentChatPolicy -Identity "pilar@litwareinc.com" -PolicyName "Traders" -PassThru
Get-CsUser -Filter {PersistentChatPolicy -eq "Traders"}
Get-CsAdPrincipal -Filter {DisplayName -like "Ken*"}
Get-CsPersistentChatEligiblePrincipal -Category "Support"
Get-CsPersistentChatEligiblePrincipal -Room "Announcements" -Presenters
# Settings.
Set-CsPersistentChatConfiguration -DefaultChatHistory 50 -MaxFileSizeKB 10000
New-CsPersistentChatConfiguration -Identity "site:Redmond" -ParticipantUpdateLimit 100
New-CsPersistentChatConfiguration -Identity "service:PersistentChatServer:atl-cs-001.litwareinc.com" -DefaultChatHistory 100
Get-CsPersistentChatConfiguration | Where-Object {$_.DefaultChatHistory -gt 30}
Get-CsPersistentChatConfiguration -Filter "site:*" | Remove-CsPersistentChatConfiguration
Set-CsPersistentChatComplianceConfiguration -RunInterval "00:30:00" -OneChatRoomPerOutputFile $True
New-CsPersistentChatComplianceConfiguration -Identity "site:Redmond" -AdapterOutputDirectory "C:\Logs\redmond" -AddUserDetails $True
Get-CsPersistentChatComplianceConfiguration | Where-Object {$_.AddUserDetails -eq $True} | Remove-CsPersistentChatComplianceConfiguration
# Pools.
New-CsPersistentChatEndpoint -SipAddress "sip:chat@litwareinc.com" -PersistentChatPoolFqdn "atl-cs-001.litwareinc.com" -DisplayName "Chat"
Get-CsPersistentChatEndpoint -Identity "sip:chat@litwareinc.com"
Set-CsPersistentChatActiveServer -Identity "PChatServerCollection" -ActiveServers @{Add="atl-cs-001.litwareinc.com","atl-cs-002.litwareinc.com"}
Set-CsPersistentChatActiveServer -ActiveServers @{Remove="atl-cs-002.litwareinc.com"}
Get-CsPersistentChatState -Filter "*.litwareinc.com"
Set-CsPersistentChatState -Identity "PersistentChatServer:atl-cs-001.litwareinc.com" -PoolState FailedOver
Set-CsPersistentChatState -Identity "service:atl-cs-001.litwareinc.com" -PoolState Normal
# Messages, and everything as a whole.
Test-CsPersistentChatMessage -TargetFqdn atl-cs-001.litwareinc.com -SenderSipAddress "sip:kenmyer@litwareinc.com" -ReceiverSipAddress "sip:pilar@litwareinc.com" -ChatRoomUri "atl-cs-001.litwareinc.com\Help"
Export-CsPersistentChatData -DBInstance "atl-sql-001.litwareinc.com\rtc" -FileName "C:\Logs\all.zip" -Report "C:\Logs\all.html"
Import-CsPersistentChatData -DBInstance "atl-sql-001.litwareinc.com\rtc" -FileName "C:\Logs\all.zip" -WhatIf
Clear-CsPersistentChatRoom -Identity "atl-cs-001.litwareinc.com\Help" -EndDate "3/1/2018" -Confirm:$False
Remove-CsPersistentChatMessage -Identity "atl-cs-001.litwareinc.com\Help" -UserUri "sip:kenmyer@litwareinc.com" -ReplaceMessage "gone" -Confirm:$False
# What is no longer wanted.
Remove-CsPersistentChatAddin -Identity "atl-cs-001.litwareinc.com\Quotes" -Force
$old = Get-CsPersistentChatRoom -Category "Scratch 2"
$old | Remove-CsPersistentChatRoom -Confirm:$False
Remove-CsPersistentChatCategory -Identity "Scratch 2" -Confirm:$False
Remove-CsPersistentChatPolicy -Identity "site:Redmond"
Get-CsPersistentChatEndpoint | Remove-CsPersistentChatEndpoint
