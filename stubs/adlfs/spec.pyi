from azure.storage.blob.aio import BlobServiceClient
from fsspec.asyn import AsyncFileSystem

class AzureBlobFileSystem(AsyncFileSystem):
    service_client: BlobServiceClient
