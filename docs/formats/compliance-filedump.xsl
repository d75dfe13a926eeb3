<?xml version="1.0" encoding="UTF-8"?>
<!-- The mapping of the published stylesheet: compliance XML as a FileDump. It reads UserName, which Lync 2010 and later
     write; the published one reads userName, and so leaves every LoginName of those empty. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="xml" encoding="UTF-8" indent="yes"/>
  <xsl:template match="/Conversations">
    <FileDump><xsl:apply-templates select="Conversation"/></FileDump>
  </xsl:template>
  <xsl:template match="Conversation">
    <Conversation Perspective="{Channel/@name}_group_channel">
      <RoomID><xsl:value-of select="Channel/@name"/></RoomID>
      <StartTimeUTC><xsl:value-of select="StartTimeUTC/@since1970"/></StartTimeUTC>
      <xsl:apply-templates select="Messages/Message"/>
      <EndTimeUTC><xsl:value-of select="EndTimeUTC/@since1970"/></EndTimeUTC>
    </Conversation>
  </xsl:template>
  <xsl:template name="who">
    <LoginName>
      <xsl:choose>
        <xsl:when test="Sender/@UserName"><xsl:value-of select="Sender/@UserName"/></xsl:when>
        <xsl:when test="Sender/@userName"><xsl:value-of select="Sender/@userName"/></xsl:when>
        <xsl:otherwise><xsl:value-of select="Sender/@uri"/></xsl:otherwise>
      </xsl:choose>
    </LoginName>
    <DateTimeUTC><xsl:value-of select="DateTimeUTC/@since1970"/></DateTimeUTC>
  </xsl:template>
  <xsl:template name="visit">
    <xsl:call-template name="who"/>
    <InternalFlag><xsl:value-of select="Sender/@internal"/></InternalFlag>
    <ConversationID><xsl:value-of select="../../Channel/@name"/></ConversationID>
    <CorporateEmailID><xsl:value-of select="Sender/@email"/></CorporateEmailID>
  </xsl:template>
  <xsl:template match="Message[@type='JOIN']">
    <ParticipantEntered><xsl:call-template name="visit"/></ParticipantEntered>
  </xsl:template>
  <xsl:template match="Message[@type='PART']">
    <ParticipantLeft><xsl:call-template name="visit"/></ParticipantLeft>
  </xsl:template>
  <xsl:template match="Message[@type='FILEUPLOAD' or @type='FILEDOWNLOAD']">
    <FileTransferStarted>
      <xsl:call-template name="who"/><FileName><xsl:value-of select="@content"/></FileName>
    </FileTransferStarted>
    <FileTransferEnded>
      <xsl:call-template name="who"/><FileName><xsl:value-of select="@content"/></FileName><Status>Completed</Status>
    </FileTransferEnded>
  </xsl:template>
  <xsl:template match="Message[@type='CHAT' or @type='BACKCHAT']">
    <Message><xsl:call-template name="who"/><Content><xsl:value-of select="@content"/></Content></Message>
  </xsl:template>
  <xsl:template match="Message"/>
</xsl:stylesheet>
