<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.40.6-Bratislava" styleCategories="Symbology">
  <pipe-data-defined-properties>
    <Option type="Map">
      <Option value="" name="name" type="QString"/>
      <Option name="properties"/>
      <Option value="collection" name="type" type="QString"/>
    </Option>
  </pipe-data-defined-properties>
  <pipe>
    <provider>
      <resampling enabled="false" zoomedOutResamplingMethod="nearestNeighbour" zoomedInResamplingMethod="nearestNeighbour" maxOversampling="2"/>
    </provider>
    <rasterrenderer classificationMin="0" opacity="1" nodataColor="" alphaBand="-1" band="1" classificationMax="0.5" type="singlebandpseudocolor">
      <minMaxOrigin>
        <limits>None</limits>
        <extent>WholeRaster</extent>
        <statAccuracy>Estimated</statAccuracy>
        <cumulativeCutLower>0.02</cumulativeCutLower>
        <cumulativeCutUpper>0.98</cumulativeCutUpper>
        <stdDevFactor>2</stdDevFactor>
      </minMaxOrigin>
      <rastershader>
        <colorrampshader labelPrecision="6" colorRampType="INTERPOLATED" maximumValue="0.5" classificationMode="1" minimumValue="0" clip="0">
          <item label="0.00" alpha="255" value="0" color="#543005"/>
          <item label="0.05" alpha="255" value="0.05" color="#8c510a"/>
          <item label="0.10" alpha="255" value="0.1" color="#bf812d"/>
          <item label="0.15" alpha="255" value="0.15" color="#dfc27d"/>
          <item label="0.20" alpha="255" value="0.2" color="#f6e8c3"/>
          <item label="0.25" alpha="255" value="0.25" color="#d9efe9"/>
          <item label="0.30" alpha="255" value="0.3" color="#97d3ca"/>
          <item label="0.35" alpha="255" value="0.35" color="#4aa59d"/>
          <item label="0.40" alpha="255" value="0.4" color="#127a70"/>
          <item label="0.50" alpha="255" value="0.5" color="#003c30"/>
          <rampLegendSettings orientation="2" minimumLabel="" useContinuousLegend="1" prefix="" direction="0" maximumLabel="" suffix=" m³ m⁻³">
            <numericFormat id="basic">
              <Option type="Map">
                <Option name="decimal_separator" type="invalid"/>
                <Option value="6" name="decimals" type="int"/>
                <Option value="0" name="rounding_type" type="int"/>
                <Option value="false" name="show_plus" type="bool"/>
                <Option value="true" name="show_thousand_separator" type="bool"/>
                <Option value="false" name="show_trailing_zeros" type="bool"/>
                <Option name="thousand_separator" type="invalid"/>
              </Option>
            </numericFormat>
          </rampLegendSettings>
        </colorrampshader>
      </rastershader>
    </rasterrenderer>
    <brightnesscontrast gamma="1" contrast="0" brightness="0"/>
    <huesaturation colorizeOn="0" saturation="0" grayscaleMode="0" invertColors="0" colorizeBlue="128" colorizeStrength="100" colorizeGreen="128" colorizeRed="255"/>
    <rasterresampler maxOversampling="2"/>
    <resamplingStage>resamplingFilter</resamplingStage>
  </pipe>
  <blendMode>0</blendMode>
</qgis>
