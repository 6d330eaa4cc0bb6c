"""What a LoRaWAN device's vendor codec says, whichever network server ran it: shared by the codecs of those servers.

Sources: the public codecs of TheThingsNetwork/lorawan-devices, chirpstack-device-profiles, Milesight SensorDecoders,
and the normalized payload schema of the first.
"""
