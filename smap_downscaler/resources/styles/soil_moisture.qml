<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.40.6-Bratislava" styleCategories="Symbology">
  <pipe-data-defined-properties>
    <Option type="Map">
      <Option value="" type="QString" name="name"/>
      <Option name="properties"/>
      <Option value="collection" type="QString" name="type"/>
    </Option>
  </pipe-data-defined-properties>
  <pipe>
    <provider>
      <resampling zoomedOutResamplingMethod="nearestNeighbour" zoomedInResamplingMethod="nearestNeighbour" enabled="false" maxOversampling="2"/>
    </provider>
    <rasterrenderer classificationMax="0.5" band="1" nodataColor="" alphaBand="-1" type="singlebandpseudocolor" opacity="1" classificationMin="0">
      <minMaxOrigin>
        <limits>None</limits>
        <extent>WholeRaster</extent>
        <statAccuracy>Estimated</statAccuracy>
        <cumulativeCutLower>0.02</cumulativeCutLower>
        <cumulativeCutUpper>0.98</cumulativeCutUpper>
        <stdDevFactor>2</stdDevFactor>
      </minMaxOrigin>
      <rastershader>
        <colorrampshader classificationMode="1" minimumValue="0" colorRampType="INTERPOLATED" clip="0" labelPrecision="6" maximumValue="0.5">
          <item value="0" label="0.00" color="#543005" alpha="255"/>
          <item value="0.05" label="0.05" color="#8c510a" alpha="255"/>
          <item value="0.1" label="0.10" color="#bf812d" alpha="255"/>
          <item value="0.15" label="0.15" color="#dfc27d" alpha="255"/>
          <item value="0.2" label="0.20" color="#f6e8c3" alpha="255"/>
          <item value="0.25" label="0.25" color="#d9efe9" alpha="255"/>
          <item value="0.3" label="0.30" color="#97d3ca" alpha="255"/>
          <item value="0.35" label="0.35" color="#4aa59d" alpha="255"/>
          <item value="0.4" label="0.40" color="#127a70" alpha="255"/>
          <item value="0.5" label="0.50" color="#003c30" alpha="255"/>
          <rampLegendSettings prefix="" useContinuousLegend="1" orientation="2" minimumLabel="" maximumLabel="" suffix="" direction="0">
            <numericFormat id="basic">
              <Option type="Map">
                <Option type="invalid" name="decimal_separator"/>
                <Option value="6" type="int" name="decimals"/>
                <Option value="0" type="int" name="rounding_type"/>
                <Option value="false" type="bool" name="show_plus"/>
                <Option value="true" type="bool" name="show_thousand_separator"/>
                <Option value="false" type="bool" name="show_trailing_zeros"/>
                <Option type="invalid" name="thousand_separator"/>
              </Option>
            </numericFormat>
          </rampLegendSettings>
        </colorrampshader>
      </rastershader>
    </rasterrenderer>
    <brightnesscontrast contrast="0" brightness="0" gamma="1"/>
    <huesaturation grayscaleMode="0" colorizeRed="255" saturation="0" colorizeStrength="100" colorizeBlue="128" colorizeGreen="128" invertColors="0" colorizeOn="0"/>
    <rasterresampler maxOversampling="2"/>
    <resamplingStage>resamplingFilter</resamplingStage>
  </pipe>
  <blendMode>0</blendMode>
</qgis>
