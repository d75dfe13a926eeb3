# Writes the tables of Persistent Chat as native Unicode files of bcp, each with its format file, and notes down how many
# rows each table and each room has, so that the archive can be compared with them.
#
#   .\export-mgc.ps1 -Server SRV\INSTANCE -Database mgc -Out D:\out\mgc
#   .\export-mgc.ps1 -Server SRV\INSTANCE -Database mgccomp -Out D:\out\mgc
param(
    [Parameter(Mandatory = $true)][string]$Server,
    [Parameter(Mandatory = $true)][string]$Database,
    [Parameter(Mandatory = $true)][string]$Out
)
$ErrorActionPreference = 'Stop'

$chat = @(
    'tblChat', 'tblNode', 'tblPrincipal', 'tblPrincipalRole', 'tblRoleType', 'tblScopePrincipal',
    'tblPrincipalAffiliations', 'tblSiopWhiteList', 'tblLastChatId', 'tblPrincipalInvites', 'tblFileToken',
    'tblEnumAttribute', 'tblEnumValue', 'tblPrincipalType'
)
$compliance = @('tblComplianceData', 'tblComplianceParticipant')
# Group Chat 2010 has the same tables without "tbl".
$old = ($chat + $compliance) | ForEach-Object { $_.Substring(3) }

New-Item -ItemType Directory -Force -Path $Out | Out-Null
$query = 'SET NOCOUNT ON; SELECT name FROM sys.tables WHERE schema_id = SCHEMA_ID(''dbo'')'
$found = & sqlcmd -S $Server -d $Database -E -h -1 -W -Q $query
if ($LASTEXITCODE -ne 0) { throw "the tables of $Database cannot be listed" }

$counts = @()
foreach ($table in ($chat + $compliance + $old)) {
    if ($found -notcontains $table) { continue }
    $data = Join-Path $Out "$table.bcp"
    $format = Join-Path $Out "$table.fmt"
    & bcp "$Database.dbo.$table" format nul -N -f $format -S $Server -T
    if ($LASTEXITCODE -ne 0) { throw "the format file of $table was not written" }
    & bcp "$Database.dbo.$table" out $data -N -S $Server -T
    if ($LASTEXITCODE -ne 0) { throw "$table was not written" }
    $rows = & sqlcmd -S $Server -d $Database -E -h -1 -W -Q "SET NOCOUNT ON; SELECT count(*) FROM dbo.[$table]"
    $counts += "$table,$($rows | Select-Object -First 1)"
}
$counts | Set-Content -Path (Join-Path $Out "$Database.rows.txt") -Encoding UTF8

if ($found -contains 'tblChat') {
    $query = 'SET NOCOUNT ON; SELECT n.nodeGuid, count(*) FROM dbo.tblChat c JOIN dbo.tblNode n ' +
        'ON n.nodeID = c.channelId GROUP BY n.nodeGuid ORDER BY n.nodeGuid'
    & sqlcmd -S $Server -d $Database -E -h -1 -W -s ',' -Q $query |
        Set-Content -Path (Join-Path $Out "$Database.rooms.txt") -Encoding UTF8
}
Get-ChildItem -Path $Out -File | Get-FileHash -Algorithm SHA256 |
    ForEach-Object { "$($_.Hash.ToLower())  $(Split-Path -Leaf $_.Path)" } |
    Set-Content -Path (Join-Path $Out 'sha256.txt') -Encoding ASCII
Write-Output "done: $Out"
