"""What the codecs of cameras share: what a picture shows, ONVIF events, pushes with pictures."""
