"""The broker we bring along where there is none: mosquitto or nats-server as a supervised child."""

from gateway.broker.accounts import Account, Accounts
from gateway.broker.doctor import doctor_mosquitto
from gateway.broker.embedded import BrokerFailed, BrokerMissing, EmbeddedBroker

__all__ = ["Account", "Accounts", "BrokerFailed", "BrokerMissing", "EmbeddedBroker", "doctor_mosquitto"]
