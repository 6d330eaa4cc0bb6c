"""What the analytics of devices/vision share: the frame, the zone, the state of the view, the shape of a plug-in."""
